"""From cubes to maps: bins, stellar kinematics, emission lines."""
