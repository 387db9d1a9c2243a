"""What a model costs over its life: training once, predicting many times. Pure."""


def lifetime_g(training_g: float, inference_g_per_1k: float, predictions: float) -> float:
    """Emissions of training plus so many predictions, grams of CO2 equivalent."""
    return training_g + inference_g_per_1k * predictions / 1000
