//! Files of a distillation run: expert trajectories, synthetic sets, checkpoints and run folders, written whole or not at all.
