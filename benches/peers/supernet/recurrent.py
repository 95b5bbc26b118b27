"""The supernet of DARTS' recurrent cell (Liu, Simonyan and Yang 2019), unrolled, with states that start at zero."""

import torch
import torch.nn.functional as F

from net import Net

NODES = range(1, 9)


class Recurrent(Net):
    def gated(self, name, x):
        """What a matrix makes of a value: a gate and a proposal."""
        gate, proposal = F.linear(x, self.weights[f"cell.{name}.weight"]).chunk(2, 1)
        return torch.sigmoid(gate), proposal

    def edge(self, node, before, s):
        gate, proposal = self.gated(f"w{node}", s)

        def highway(f):
            return lambda: s + gate * (f(proposal) - s)

        candidates = [highway(f) for f in (torch.tanh, torch.relu, torch.sigmoid, lambda h: h)]
        if node > 1:
            candidates.insert(0, lambda: torch.zeros_like(s))
        return self.choose(f"op_{node}_{before}", candidates)

    def cell(self, x, state):
        gate, proposal = self.gated("w0", torch.cat([x, state], 1))
        nodes = [self.norm("", state + gate * (torch.tanh(proposal) - state))]
        for node in NODES:
            edges = [self.edge(node, before, s) for before, s in enumerate(nodes)]
            nodes.append(self.norm("", self.choose_inputs(f"in_{node}", edges)))
        return torch.stack(nodes[1:]).mean(0)

    def forward(self, words):
        table = self.weights["table.weight"]
        embedded = F.embedding(words, table)
        states = [torch.zeros_like(embedded[:, 0])]
        for x in embedded.unbind(1):
            states.append(self.cell(x, states[-1]))
        return torch.stack(states[1:], 1) @ table.t() + self.weights["bias.weight"]
