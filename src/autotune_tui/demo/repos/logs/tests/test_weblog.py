"""The report's rules, on logs small enough to check by hand."""

import io
import unittest

from weblog import billing, capacity, clean, parse, report, traffic


def entry(time=0, client="a", path="/x", latency=10, account="acme", retry_key="-", size=100, status=200):
    return parse.Entry(time, client, "GET", path, status, size, latency, account, retry_key)


ACCOUNTS = [
    billing.Account("acme", "team", "Acme"),
    billing.Account("zen", "free", "Zen"),
    billing.Account("acme", "business", "Acme, the second contract"),
]


class Parsing(unittest.TestCase):
    LINE = "1700000000123\t10.0.3.7\tGET\t/orders/17/items/4?page=2\t200\t5120\t34\tacme-42\tjob-1"

    def test_a_line_becomes_an_entry(self):
        self.assertEqual(
            parse.parse_line(self.LINE),
            parse.Entry(1700000000123, "10.0.3.7", "GET", "/orders/:id/items/:id", 200, 5120, 34, "acme-42", "job-1"),
        )

    def test_what_is_no_entry_is_left_out(self):
        for line in ("", "# comment", self.LINE.replace("200", "20"), self.LINE + "\tmore", "x" + self.LINE):
            self.assertIsNone(parse.parse_line(line), line)

    def test_only_whole_numbers_in_a_path_are_replaced(self):
        self.assertEqual(parse.normalise("/v2/a1/12/3b/45"), "/v2/a1/:id/3b/:id")

    def test_lines_do_not_depend_on_where_a_block_ends(self):
        lines = [self.LINE[: 1 + number % len(self.LINE)] * (1 + number % 5) for number in range(400)]
        for end in ("", "\n"):
            self.assertEqual(list(parse.read_lines(io.StringIO("\n".join(lines) + end))), lines)

    def test_empty_lines_stay(self):
        self.assertEqual(list(parse.read_lines(io.StringIO("a\n\nb"))), ["a", "", "b"])


class Cleaning(unittest.TestCase):
    def test_probes_are_dropped(self):
        entries = [entry(path=path) for path in ("/health", "/x", "/metrics", "/healthy", "/ready")]
        self.assertEqual([kept.path for kept in clean.drop_probes(entries)], ["/x", "/healthy"])

    def test_the_first_of_each_key_stays_in_its_place(self):
        entries = [entry(time, retry_key=key) for time, key in enumerate(["b", "-", "a", "b", "-", "a", "c"])]
        self.assertEqual([kept.time for kept in clean.drop_retries(entries)], [0, 1, 2, 4, 6])


class Traffic(unittest.TestCase):
    def test_busiest_first_and_equal_ones_by_name(self):
        entries = [entry(path=path) for path in "zmkxzmkjihgfedcbaz"]
        ranking = [("z", 3), ("k", 2), ("m", 2), *((path, 1) for path in "abcdefghijx")]
        self.assertEqual(traffic.busiest_paths(entries, 14), ranking)
        self.assertEqual(traffic.busiest_paths(entries, 2), ranking[:2])

    def test_percentiles_are_values_of_the_log(self):
        values = [(number * 37) % 101 for number in range(1, 101)]
        self.assertEqual(traffic.percentiles(values, (1, 50, 95, 99, 100)), [1, 50, 95, 99, 100])
        self.assertEqual(traffic.percentiles([7], (50, 99)), [7, 7])

    def test_minutes_in_order(self):
        entries = [entry(time, latency=latency) for time, latency in ((60_000, 5), (59_999, 9), (61_000, 3))]
        self.assertEqual(traffic.latency_by_minute(entries), [(0, [9, 9, 9]), (1, [3, 5, 5])])

    def test_slow_clients_are_measured_against_all_requests(self):
        entries = [entry(client=client, latency=ms) for client, ms in (("a", 10), ("b", 10), ("c", 50), ("c", 30))]
        self.assertEqual(traffic.slow_clients(entries), [("c", 40)])

    def test_no_traffic_has_no_slow_clients(self):
        self.assertEqual(traffic.slow_clients([]), [])

    def test_a_burst_counts_what_is_younger_than_the_window(self):
        entries = [entry(time) for time in (0, 100, 180, 200, 500, 590)]
        self.assertEqual(traffic.largest_burst(entries, 100), (2, 180))
        self.assertEqual(traffic.largest_burst(entries, 101), (3, 200))
        self.assertEqual(traffic.largest_burst([], 100), (0, 0))


class Billing(unittest.TestCase):
    def test_the_first_account_of_a_key_pays(self):
        entries = [entry(account=key, size=size) for key, size in (("zen", 5), ("acme", 7), ("gone", 9), ("zen", 1))]
        self.assertEqual(list(billing.bytes_by_plan(entries, ACCOUNTS).items()), [("free", 6), ("team", 7)])

    def test_unknown_accounts(self):
        entries = [entry(account=key) for key in ("zen", "lost", "gone", "lost")]
        self.assertEqual(billing.unknown_accounts(entries, ACCOUNTS), ["gone", "lost"])


class Capacity(unittest.TestCase):
    def test_the_longest_wait(self):
        entries = [entry(time, latency=latency) for time, latency in ((0, 100), (10, 20), (15, 50), (40, 5), (41, 1))]
        self.assertEqual(capacity.longest_wait(entries, 1), 134)
        self.assertEqual(capacity.longest_wait(entries, 2), 44)
        self.assertEqual(capacity.longest_wait(entries, 5), 0)
        self.assertEqual(capacity.longest_wait([], 3), 0)


class Report(unittest.TestCase):
    def test_an_empty_log_still_makes_a_report(self):
        self.assertIn("56 workers", report.build(io.StringIO("# nothing\n"), []))

    def test_a_table(self):
        rows = ["T", "  a" + " " * 54 + "1", "  bb" + " " * 52 + "22", "", ""]
        self.assertEqual(report.table("T", [("a", "1"), ("bb", "22")]), "\n".join(rows))

    def test_requests_and_failures_by_minute(self):
        entries = [entry(time, status=status) for time, status in ((60_000, 503), (1, 200), (61_000, 404))]
        self.assertEqual(report.by_minute(entries), [("minute 0", "1 (0 failed)"), ("minute 1", "2 (1 failed)")])


if __name__ == "__main__":
    unittest.main()
