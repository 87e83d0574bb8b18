"""What the 46 topic codes of Reuters mean, in plain words."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.model import Topic
from training.data.reuters_expected import TOPIC_CODES

ENERGY: Final = "Energy"
METALS: Final = "Metals"
GRAINS: Final = "Grains and oilseeds"
SOFTS: Final = "Softs"
MEAT: Final = "Meat and livestock"
MONEY: Final = "Money and economy"
COMPANIES: Final = "Companies"
TRADE: Final = "Transport and trade"


class Meaning(NamedTuple):
    """What a topic code stands for."""

    name: str
    group: str
    description: str


MEANINGS: Final = {
    "cocoa": Meaning("Cocoa", SOFTS, "Cocoa crops, prices, exports and the cocoa agreement."),
    "grain": Meaning("Grain", GRAINS, "Grain in general: crops, stocks, exports and subsidies."),
    "veg-oil": Meaning("Vegetable oil", GRAINS, "Palm, soy and other vegetable oils and fats."),
    "earn": Meaning("Earnings", COMPANIES, "Company results, forecasts and dividends."),
    "acq": Meaning("Acquisitions", COMPANIES, "Mergers, takeovers, stakes and sales of companies."),
    "wheat": Meaning("Wheat", GRAINS, "Wheat crops, tenders, sales and subsidies."),
    "copper": Meaning("Copper", METALS, "Copper mines, output and prices."),
    "housing": Meaning("Housing", MONEY, "Housing starts, permits and home sales."),
    "money-supply": Meaning(
        "Money supply", MONEY, "M1 to M3, reserves and other money aggregates."
    ),
    "coffee": Meaning("Coffee", SOFTS, "Coffee crops, export quotas and prices."),
    "sugar": Meaning("Sugar", SOFTS, "Sugar crops, tenders, quotas and prices."),
    "trade": Meaning("Trade", TRADE, "Trade balances, disputes, tariffs and agreements."),
    "reserves": Meaning(
        "Foreign reserves", MONEY, "A country's gold and foreign exchange reserves."
    ),
    "ship": Meaning("Shipping", TRADE, "Ships, ports, strikes, freight and waterways."),
    "cotton": Meaning("Cotton", SOFTS, "Cotton crops, exports and prices."),
    "carcass": Meaning("Meat", MEAT, "Beef, pork and other meat: output, trade and prices."),
    "crude": Meaning("Crude oil", ENERGY, "Crude oil: prices, output, OPEC, fields and refiners."),
    "nat-gas": Meaning("Natural gas", ENERGY, "Natural gas fields, pipelines, sales and prices."),
    "cpi": Meaning("Consumer prices", MONEY, "Consumer price indices and inflation."),
    "money-fx": Meaning(
        "Foreign exchange", MONEY, "Currencies, money markets and central bank intervention."
    ),
    "interest": Meaning("Interest rates", MONEY, "Prime, discount and other interest rates."),
    "gnp": Meaning("National product", MONEY, "Gross national or domestic product, and growth."),
    "meal-feed": Meaning("Meal and feed", GRAINS, "Soymeal, corn gluten and other animal feed."),
    "alum": Meaning("Aluminium", METALS, "Aluminium and alumina: smelters, output and prices."),
    "oilseed": Meaning("Oilseeds", GRAINS, "Soybeans, rapeseed, sunflower and other oilseeds."),
    "gold": Meaning("Gold", METALS, "Gold mines, finds, output and prices."),
    "tin": Meaning("Tin", METALS, "Tin output, stocks, prices and the tin agreement."),
    "strategic-metal": Meaning(
        "Strategic metals", METALS, "Uranium, titanium, tungsten and other strategic metals."
    ),
    "livestock": Meaning("Livestock", MEAT, "Cattle, hogs and other live animals."),
    "retail": Meaning("Retail sales", MONEY, "Retail sales figures and consumer spending."),
    "ipi": Meaning("Industrial production", MONEY, "Indices of industrial production."),
    "iron-steel": Meaning("Iron and steel", METALS, "Iron ore, steel mills, output and trade."),
    "rubber": Meaning("Rubber", SOFTS, "Natural rubber output, prices and the rubber agreement."),
    "heat": Meaning("Heating oil", ENERGY, "Prices of heating oil and gas oil."),
    "jobs": Meaning("Employment", MONEY, "Unemployment, payrolls and the labour market."),
    "lei": Meaning("Leading indicators", MONEY, "Indices of leading economic indicators."),
    "bop": Meaning("Balance of payments", MONEY, "Current accounts and balances of payments."),
    "zinc": Meaning("Zinc", METALS, "Zinc smelters, output and prices."),
    "orange": Meaning("Orange juice", SOFTS, "Oranges and orange juice: crops, imports, prices."),
    "pet-chem": Meaning("Petrochemicals", ENERGY, "Petrochemical plants, products and prices."),
    "dlr": Meaning("US dollar", MONEY, "The US dollar: its rate, and support for it."),
    "gas": Meaning("Gasoline", ENERGY, "Gasoline and other motor fuel: prices and supplies."),
    "silver": Meaning("Silver", METALS, "Silver mines, output and prices."),
    "wpi": Meaning("Wholesale prices", MONEY, "Wholesale and producer price indices."),
    "hog": Meaning("Hogs", MEAT, "Hogs and pigs: numbers, slaughter and prices."),
    "lead": Meaning("Lead", METALS, "Lead smelters, output and prices."),
}


def describe_topics(train_labels: NDArray[np.int64]) -> Sequence[Topic]:
    """Give the topics in the order of their class indices.

    Parameters
    ----------
    train_labels : int64 array of shape (n_train,)
        Class indices, from which the newswires of each topic are counted.
    """
    counts = np.bincount(train_labels, minlength=len(TOPIC_CODES)).tolist()
    return [
        Topic(index, code, *MEANINGS[code], training_newswires=counts[index])
        for index, code in enumerate(TOPIC_CODES)
    ]
