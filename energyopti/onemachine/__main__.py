import sys

from energyopti.onemachine.runner import main

sys.exit(main(sys.argv[1:]))
