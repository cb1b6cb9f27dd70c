package peers;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/** Second stage of LocalTopology: merges sums, and closes a window once the least stream time of all source partitions is past its grace. */
final class Merge implements Processor<byte[], byte[], String, String> {
    private final int partitions;
    private ProcessorContext<String, String> context;
    private KeyValueStore<Bytes, byte[]> open;
    private KeyValueStore<Integer, Long> times;
    private long closed = Long.MIN_VALUE;

    Merge(int partitions) {
        this.partitions = partitions;
    }

    @Override
    public void init(ProcessorContext<String, String> c) {
        context = c;
        open = c.getStateStore("open");
        times = c.getStateStore("times");
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        ByteBuffer value = ByteBuffer.wrap(record.value());
        if (record.value().length == Sums.TIME_BYTES) {
            advance(value.getInt(), value.getLong());
            return;
        }
        Bytes key = Bytes.wrap(record.key());
        Acc a = Formats.acc(value);
        // The sums of all countries say how much has arrived; those of single ones would say it twice.
        if (record.key().length == 8) Progress.SUMMED.addAndGet(a.n);
        byte[] old = open.get(key);
        if (old != null) a.merge(Formats.acc(ByteBuffer.wrap(old)));
        open.put(key, Formats.bytes(a));
    }

    private void advance(int partition, long time) {
        times.put(partition, time);
        long least = Long.MAX_VALUE;
        for (int p = 0; p < partitions; p++) {
            Long t = times.get(p);
            if (t == null) return;
            least = Math.min(least, t);
        }
        long upTo = Rows.window(least - Rows.DELAY) - Rows.WINDOW;
        if (upTo > closed) close(closed = upTo);
    }

    /** Tells and forgets every window that starts at or before upTo. */
    private void close(long upTo) {
        List<Bytes> done = new ArrayList<>();
        Bytes from = Bytes.wrap(ByteBuffer.allocate(8).putLong(0).array());
        Bytes to = Bytes.wrap(ByteBuffer.allocate(8).putLong(upTo + 1).array());
        try (KeyValueIterator<Bytes, byte[]> all = open.range(from, to)) {
            while (all.hasNext()) {
                KeyValue<Bytes, byte[]> one = all.next();
                byte[] key = one.key.get();
                long window = ByteBuffer.wrap(key).getLong();
                if (window > upTo) continue;
                String country = key.length == 8 ? null : new String(key, 8, key.length - 8, StandardCharsets.UTF_8);
                String row = Rows.json(window, country, Formats.acc(ByteBuffer.wrap(one.value)));
                context.forward(new Record<>(country == null ? "" : country, row, window), country == null ? "global" : "country");
                done.add(one.key);
            }
        }
        for (Bytes key : done) open.delete(key);
    }
}
