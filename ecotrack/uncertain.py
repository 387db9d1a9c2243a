"""x"""


def next_to_repeat(results, costs, most):
    """x"""
