"""Networks that see nothing, as scripts (src/infer/script.h)."""


def empty_networks(folder, size="640 384", delay_us=0, suffix=""):
    """Writes both into the folder; returns the options that name them."""
    words = []
    for name, head in (("player", "centers"), ("pitch", "points")):
        path = folder / f"{name}{suffix}"
        delay = f"delay_us {delay_us}\n" if delay_us else ""
        path.write_text(f"touchline-script 1\nhead {head}\nsize {size}\n{delay}loop\nframe\n")
        words += [f"--{name}-model", path]
    return words
