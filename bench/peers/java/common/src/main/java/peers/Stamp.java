package peers;

/** "YYYY-MM-DD HH:MM:SS" (UTC) to epoch milliseconds, without a formatter: java.time's costs as much as the rest of the invoice. */
public final class Stamp {
    private Stamp() {}

    public static long millis(String s) {
        if (s.length() < 19 || s.charAt(4) != '-' || s.charAt(13) != ':') throw new IllegalArgumentException(s);
        long day = day(two(s, 0) * 100 + two(s, 2), two(s, 5), two(s, 8));
        return (day * 86_400 + two(s, 11) * 3_600 + two(s, 14) * 60 + two(s, 17)) * 1_000;
    }

    private static int two(String s, int at) {
        int a = s.charAt(at) - '0', b = s.charAt(at + 1) - '0';
        if ((a | b | 9 - a | 9 - b) < 0) throw new IllegalArgumentException(s);
        return a * 10 + b;
    }

    /** After Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil. */
    private static long day(int y, int m, int d) {
        int yy = m <= 2 ? y - 1 : y;
        int era = yy / 400, yoe = yy - era * 400;
        int doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
        int doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
        return era * 146_097L + doe - 719_468;
    }
}
