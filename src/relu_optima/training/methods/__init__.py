"""Methods, one module each: ``Config`` and ``rule(config, masks, seed) -> MaskRule``."""
