package peers;

import java.util.HashMap;
import java.util.Map;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Sums by (window, country) on the heap of the source's task, handed on at each watermark and before each checkpoint barrier. It holds
 * nothing across a checkpoint, so it needs no state of its own; it never drops, so lateness is left to the window behind it.
 */
final class LocalSums extends AbstractStreamOperator<Partial> implements OneInputStreamOperator<Event, Partial> {
    private static final long serialVersionUID = 1L;
    private transient Map<Long, Map<String, Acc>> windows;
    /** The window of the last event, whose sums are at hand: the next event mostly lies in it too. */
    private transient long start;
    private transient Map<String, Acc> current;

    @Override
    public void open() throws Exception {
        super.open();
        windows = new HashMap<>();
        start = Long.MIN_VALUE;
    }

    @Override
    public void processElement(StreamRecord<Event> record) {
        Event e = record.getValue();
        long window = Rows.window(e.ts);
        if (window != start) {
            current = windows.computeIfAbsent(window, k -> new HashMap<>());
            start = window;
        }
        Acc a = current.get(e.country);
        if (a == null) current.put(e.country, a = new Acc());
        a.add(e);
    }

    @Override
    public void processWatermark(Watermark mark) throws Exception {
        flush();
        super.processWatermark(mark);
    }

    @Override
    public void prepareSnapshotPreBarrier(long id) {
        flush();
    }

    @Override
    public void finish() throws Exception {
        flush();
        super.finish();
    }

    private void flush() {
        Partial p = new Partial();
        StreamRecord<Partial> out = new StreamRecord<>(p);
        for (Map.Entry<Long, Map<String, Acc>> window : windows.entrySet()) {
            for (Map.Entry<String, Acc> country : window.getValue().entrySet()) {
                p.set(window.getKey(), country.getKey(), country.getValue());
                output.collect(out.replace(p, p.start));
            }
        }
        windows.clear();
        start = Long.MIN_VALUE;
    }
}
