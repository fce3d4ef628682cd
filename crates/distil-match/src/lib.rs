//! Trajectory matching and its kin: objectives, schedules, initialisation and the distillation loop.
