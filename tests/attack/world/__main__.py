"""One process of the world: python -m tests.attack.world ROLE, with the plan on standard input."""

import sys

from tests.attack.world.roles import main

main(sys.argv[1])
