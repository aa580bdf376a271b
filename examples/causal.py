"""Build a causal model, make data in three places, and find causes and changes again. Seconds, no download."""

from paperwright.statistics.causal import (
    SCM,
    Environment,
    Normal,
    do,
    icp,
    mechanism_divergences,
    scale_noise,
    shift,
    which_mechanisms_changed,
)

# 1. A shop: the season drives price and demand, the price drives demand, and demand drives the stock that is left.
shop = SCM(
    {
        "season": lambda u: u,
        "price": lambda season, u: 0.8 * season + u,
        "demand": lambda season, price, u: 1.0 * season - 1.5 * price + u,
        "stock": lambda demand, u: 5 - 0.9 * demand + u,
    },
    noise={name: Normal() for name in ("season", "price", "demand", "stock")},
)
print(shop.equations())

# 2. What if? On average over the shop, and for the one day that was observed.
print("mean demand at price 2:", shop.do(price=2.0).mean()["demand"])
day = {"season": 1.0, "price": 0.5, "demand": 1.2, "stock": 4.0}
print("that day's demand at price 2:", float(shop.counterfactual(day, do={"price": 2.0})["demand"]))

# 3. Three places: in two of them prices are made in another way, and the stock is counted worse. Demand is the same.
places = [
    Environment("north"),
    Environment("south", do(price=Normal(1.0, 2.0)), scale_noise(stock=2.0)),
    Environment("east", shift(price=lambda season, u: -season + u), scale_noise(season=2.0, stock=3.0)),
]
rows = shop.environments(places, 1000, rng=0)

found = icp({name: rows[name] for name in ("season", "price", "stock")}, rows["demand"], rows["environment"])
print("causes of demand:", sorted(found.parents))

graph = {name: list(above) for name, above in shop.parents.items()}
changes = which_mechanisms_changed(graph, rows, rows["environment"])
print("mechanisms that differ between places:", changes.changed)
for node, apart in mechanism_divergences(graph, rows, rows["environment"]).items():
    print(f"  {node}: {apart['north', 'east']:.3f} nats from north to east")
