"""The SMTP protocol, pure: bytes in, values out. No socket, no asyncio, no clock."""
