"""What the commands of `rnn-tf` do: each module has `run(options)`."""
