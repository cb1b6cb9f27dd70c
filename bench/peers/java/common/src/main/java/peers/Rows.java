package peers;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;

/** The job's windows, and its rows as JSON lines, with the names that Weir's `sales` plugin gives them. */
public final class Rows {
    /** Length of a window, milliseconds. */
    public static final long WINDOW = 60_000;
    /** How far behind the newest an event may be, milliseconds. */
    public static final long DELAY = 600_000;

    private static final DateTimeFormatter ISO =
        DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

    private Rows() {}

    /** The start of the window that an instant lies in. */
    public static long window(long ts) {
        return ts - Math.floorMod(ts, WINDOW);
    }

    /** A row; a null country makes the one over all countries. */
    public static String json(long start, String country, Acc a) {
        StringBuilder s = new StringBuilder(224);
        s.append("{\"window\":{\"start\":\"").append(ISO.format(Instant.ofEpochMilli(start)))
            .append("\",\"end\":\"").append(ISO.format(Instant.ofEpochMilli(start + WINDOW))).append("\"}");
        if (country != null) quote(s.append(",\"country\":"), country);
        s.append(",\"OPM\":").append(a.n).append(",\"total_sale_volume\":").append(a.volume);
        long all = a.orders + a.returns;
        s.append(",\"rate_of_return\":").append(all == 0 ? "null" : Double.toString((double) a.returns / all));
        if (country == null) {
            s.append(",\"average_transaction_size\":").append(all == 0 ? "null" : Double.toString(a.volume / all));
        }
        return s.append('}').toString();
    }

    private static void quote(StringBuilder s, String text) {
        s.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') s.append('\\').append(c);
            else if (c < ' ') s.append(String.format("\\u%04x", (int) c));
            else s.append(c);
        }
        s.append('"');
    }
}
