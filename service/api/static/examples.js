/** Texts of our own to begin with: news as they were wired, and one that is none. */
export const EXAMPLES = [
  {
    label: "Oil",
    title: "OPEC MINISTERS AGREE TO CUT OUTPUT",
    text: "OPEC ministers agreed tonight to lower their output ceiling by one mln barrels a day from April. Crude oil rose 40 cts to 18.50 dlrs a barrel in late trading, and a delegate said that the group would meet again in June.",
  },
  {
    label: "Earnings",
    title: "MARLOW TOOLS INC 4TH QTR NET",
    text: "Shr profit 42 cts vs loss 11 cts\nNet profit 3,150,000 vs loss 820,000\nRevs 48.2 mln vs 39.9 mln\nThe company said the latest quarter includes a gain of 600,000 dlrs from the sale of a plant.",
  },
  {
    label: "Takeover",
    title: "",
    text: "Hartwell Foods Corp said it has agreed to buy the shares of Lindqvist Bakeries that it does not own for 27.50 dlrs a share in cash. The merger needs the approval of shareholders of both companies, and is expected to be completed in the third quarter.",
  },
  {
    label: "Harvest",
    title: "",
    text: "Rain in the wheat belt has delayed the harvest by two weeks, growers said. Exporters now expect to ship 11 mln tonnes of wheat and barley this season, a mln tonnes less than the ministry forecast in May.",
  },
  {
    label: "Not news",
    title: "",
    text: "Beat the eggs with the sugar until pale, fold in the almonds, and bake in a warm oven for half an hour. My grandmother always let it cool on the windowsill before anyone was allowed a slice.",
  },
];
