//! Expert training on real data with SGD or FTD's adaptive GSAM, a snapshot after every epoch.
