"""The one way out: what leaves this machine passes here, is counted here and can be refused here."""
