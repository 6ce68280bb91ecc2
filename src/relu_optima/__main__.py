"""``python -m relu_optima``."""

from relu_optima.cli import main

if __name__ == "__main__":
    main()
