"""MX and address lookup. With the demo world, the only room that imports dnspython."""
