package peers;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** How invoices and sums travel through topics and stores: the topic's JSON in, compact binary between stages. */
final class Formats {
    private Formats() {}

    /** The topic's JSON. A parser belongs to a thread; the deserializer may be asked by several. */
    static Deserializer<Event> json() {
        ThreadLocal<Invoices> invoices = ThreadLocal.withInitial(Invoices::new);
        return (topic, bytes) -> {
            Event e = new Event();
            invoices.get().parse(bytes, e);
            return e;
        };
    }

    static Serde<Event> events() {
        return Serdes.serdeFrom((topic, e) -> e == null ? null : bytes(e), (topic, b) -> b == null ? null : event(b));
    }

    static Serde<Acc> sums() {
        return Serdes.serdeFrom((topic, a) -> a == null ? null : bytes(a), (topic, b) -> b == null ? null : acc(ByteBuffer.wrap(b)));
    }

    private static byte[] bytes(Event e) {
        byte[] country = e.country.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(21 + country.length).putLong(e.ts).putDouble(e.cost).putInt(e.items)
            .put((byte) ((e.order ? 1 : 0) | (e.ret ? 2 : 0))).put(country).array();
    }

    private static Event event(byte[] bytes) {
        ByteBuffer in = ByteBuffer.wrap(bytes);
        Event e = new Event();
        e.ts = in.getLong();
        e.cost = in.getDouble();
        e.items = in.getInt();
        byte kind = in.get();
        e.order = (kind & 1) != 0;
        e.ret = (kind & 2) != 0;
        e.country = new String(bytes, 21, bytes.length - 21, StandardCharsets.UTF_8);
        return e;
    }

    static byte[] bytes(Acc a) {
        return ByteBuffer.allocate(32).putLong(a.n).putLong(a.orders).putLong(a.returns).putDouble(a.volume).array();
    }

    static Acc acc(ByteBuffer in) {
        Acc a = new Acc();
        a.n = in.getLong();
        a.orders = in.getLong();
        a.returns = in.getLong();
        a.volume = in.getDouble();
        return a;
    }
}
