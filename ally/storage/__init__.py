"""Files of Ally's own, written so that a crash never leaves half of one."""
