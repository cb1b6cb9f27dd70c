package peers;

import com.alibaba.fastjson2.JSONFactory;
import com.alibaba.fastjson2.JSONReader;
import com.alibaba.fastjson2.util.Fnv;
import java.nio.charset.StandardCharsets;

/**
 * Parses an invoice with fastjson2's pull reader: members matched by hash, all others skipped, nothing bound to objects. The fastest
 * of the four that were tried (see the README). An instance belongs to one thread.
 */
public final class Invoices {
    private static final long COUNTRY = Fnv.hashCode64("country");
    private static final long TIMESTAMP = Fnv.hashCode64("timestamp");
    private static final long TYPE = Fnv.hashCode64("type");
    private static final long ITEMS = Fnv.hashCode64("items");
    private static final long UNIT_PRICE = Fnv.hashCode64("unit_price");
    private static final long QUANTITY = Fnv.hashCode64("quantity");

    private final JSONReader.Context context = JSONFactory.createReadContext();
    private double gross;
    private int items;

    /** Reads one invoice into `out`, which may be used again. */
    public void parse(byte[] json, Event out) {
        JSONReader r = JSONReader.of(json, 0, json.length, StandardCharsets.UTF_8, context);
        String type = null;
        gross = 0;
        items = 0;
        r.nextIfObjectStart();
        while (!r.nextIfObjectEnd()) {
            long name = r.readFieldNameHashCode();
            if (name == COUNTRY) out.country = r.readString();
            else if (name == TIMESTAMP) out.ts = Stamp.millis(r.readString());
            else if (name == TYPE) type = r.readString();
            else if (name == ITEMS) items(r);
            else r.skipValue();
        }
        out.order = "ORDER".equals(type);
        out.ret = "RETURN".equals(type);
        out.cost = out.ret ? -gross : gross;
        out.items = items;
    }

    private void items(JSONReader r) {
        if (!r.nextIfArrayStart()) {
            r.skipValue();
            return;
        }
        while (!r.nextIfArrayEnd()) item(r);
        r.nextIfComma();
    }

    private void item(JSONReader r) {
        double price = 0;
        int quantity = 0;
        r.nextIfObjectStart();
        while (!r.nextIfObjectEnd()) {
            long name = r.readFieldNameHashCode();
            if (name == UNIT_PRICE) price = r.readDoubleValue();
            else if (name == QUANTITY) quantity = r.readInt32Value();
            else r.skipValue();
        }
        r.nextIfComma();
        gross += price * quantity;
        items += quantity;
    }
}
