package peers;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.internals.InternalProcessorContext;
import org.apache.kafka.streams.processor.internals.ProcessorNode;

/**
 * First stage of LocalTopology: sums by (window, country) in the task of a source partition. Before each commit it sends them on, and
 * then its stream time; the heap is empty at every commit, so what Streams guarantees holds for it too.
 *
 * A sum's key is the window's start and the country, empty for all; a stream time's value is a partition and a time, 12 bytes.
 */
final class Sums implements Processor<byte[], Event, byte[], byte[]> {
    /** Length of a stream time; a sum has 32 bytes. */
    static final int TIME_BYTES = 12;
    private static final byte[] NONE = new byte[0];

    private InternalProcessorContext<byte[], byte[]> context;
    private ProcessorNode<?, ?, ?, ?> node;
    private Heap heap;
    private int partition;
    private long start = Long.MIN_VALUE;
    private Map<String, Acc> current;
    private long time = Long.MIN_VALUE;
    private long pending;

    @Override
    public void init(ProcessorContext<byte[], byte[]> c) {
        context = (InternalProcessorContext<byte[], byte[]>) c;
        node = context.currentNode();
        heap = c.getStateStore(Heap.NAME);
        heap.flush = this::flush;
        partition = c.taskId().partition();
    }

    @Override
    public void process(Record<byte[], Event> record) {
        Event e = record.value();
        if (pending++ == 0) Marks.first();
        if (e.ts > time) time = e.ts;
        long window = Rows.window(e.ts);
        if (window + Rows.WINDOW + Rows.DELAY <= time) {
            Progress.LATE.incrementAndGet();
            return;
        }
        if (window != start) {
            current = heap.windows.computeIfAbsent(window, k -> new HashMap<>());
            start = window;
        }
        Acc a = current.get(e.country);
        if (a == null) current.put(e.country, a = new Acc());
        a.add(e);
    }

    private void flush() {
        if (pending == 0) return;
        Progress.READ.addAndGet(pending);
        pending = 0;
        // A flush is called outside of any record, where no node is current and nothing could be forwarded.
        ProcessorNode<?, ?, ?, ?> before = context.currentNode();
        context.setCurrentNode(node);
        for (Map.Entry<Long, Map<String, Acc>> window : heap.windows.entrySet()) {
            Acc all = new Acc();
            for (Map.Entry<String, Acc> country : window.getValue().entrySet()) {
                all.merge(country.getValue());
                send(window.getKey(), country.getKey(), country.getValue());
            }
            send(window.getKey(), "", all);
        }
        heap.windows.clear();
        start = Long.MIN_VALUE;
        context.forward(new Record<>(NONE, ByteBuffer.allocate(TIME_BYTES).putInt(partition).putLong(time).array(), time));
        context.setCurrentNode(before);
    }

    private void send(long window, String country, Acc a) {
        byte[] name = country.getBytes(StandardCharsets.UTF_8);
        byte[] key = ByteBuffer.allocate(8 + name.length).putLong(window).put(name).array();
        context.forward(new Record<>(key, Formats.bytes(a), window));
    }
}
