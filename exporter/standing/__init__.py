"""Our own standing with the receivers of mail: our public address, its names, its SPF, and the block lists."""
