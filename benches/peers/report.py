"""Tables from the JSON lines of run.sh: medians over the rounds, and Lanista against the better layout of PyTorch."""

import json
import statistics
import sys

MIB = 1 << 20


def main():
    with open(sys.argv[1]) as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    groups = {}
    for row in rows:
        groups.setdefault((row["threads"], row["framework"], row["layout"]), []).append(row)

    def median(key, field):
        return statistics.median(row[field] for row in groups[key])

    head = rows[0]
    print(f"DARTS_V2, C={head['channels']}, {head['cells']} cells, batch {head['batch']}, {head['params']} parameters")
    print(
        f"{'threads':>7}  {'framework':<10}{'layout':<15}{'step ms':>9}{'fastest':>9}{'slowest':>9}"
        f"{'peak MiB':>10}{'start s':>9}"
    )
    for key in sorted(groups):
        threads, framework, layout = key
        medians = [row["median_ms"] for row in groups[key]]
        print(
            f"{threads:>7}  {framework:<10}{layout:<15}{statistics.median(medians):>9.1f}{min(medians):>9.1f}"
            f"{max(medians):>9.1f}{median(key, 'peak_bytes') / MIB:>10.1f}{median(key, 'start_to_first_step_s'):>9.2f}"
        )
    for threads in sorted({key[0] for key in groups}):
        peers = [key for key in groups if key[0] == threads and key[1] == "pytorch"]
        ours = [key for key in groups if key[0] == threads and key[1] == "lanista"]
        if not peers:
            continue
        best = min(peers, key=lambda key: median(key, "median_ms"))
        for key in ours:
            # Paired by round, so that a drift of the machine cancels.
            ratios = [a["median_ms"] / b["median_ms"] for a, b in zip(groups[key], groups[best])]
            least = min(median(peer, "peak_bytes") for peer in peers)
            print(
                f"{threads} thread(s): time x{statistics.median(ratios):.3f} of PyTorch {best[2]}"
                f" (rounds {min(ratios):.3f} to {max(ratios):.3f}),"
                f" peak memory x{median(key, 'peak_bytes') / median(best, 'peak_bytes'):.3f} of it"
                f" (x{median(key, 'peak_bytes') / least:.3f} of the least of its layouts),"
                f" first step after {median(key, 'start_to_first_step_s'):.2f} s"
            )


if __name__ == "__main__":
    main()
