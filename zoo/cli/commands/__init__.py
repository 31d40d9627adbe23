"""One file per `zoo` subcommand: `add_arguments(parser)` and `run(arguments) -> exit code`."""
