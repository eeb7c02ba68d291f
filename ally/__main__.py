"""`python -m ally` is the `ally` command."""

from ally.cli.main import main

if __name__ == "__main__":
    main()
