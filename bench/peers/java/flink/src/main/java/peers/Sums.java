package peers;

import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.streaming.api.functions.windowing.ProcessAllWindowFunction;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/** What the windows do: add up, and tell at the end. */
final class Sums {
    private Sums() {}

    static final class OfEvents implements AggregateFunction<Event, Acc, Acc> {
        @Override public Acc createAccumulator() { return new Acc(); }
        @Override public Acc add(Event e, Acc a) { a.add(e); return a; }
        @Override public Acc getResult(Acc a) { return a; }
        @Override public Acc merge(Acc a, Acc b) { a.merge(b); return a; }
    }

    static final class OfPartials implements AggregateFunction<Partial, Acc, Acc> {
        @Override public Acc createAccumulator() { return new Acc(); }
        @Override public Acc add(Partial p, Acc a) { p.addTo(a); return a; }
        @Override public Acc getResult(Acc a) { return a; }
        @Override public Acc merge(Acc a, Acc b) { a.merge(b); return a; }
    }

    /** The sums of a country's window. */
    static final class Country extends ProcessWindowFunction<Acc, Partial, String, TimeWindow> {
        @Override
        public void process(String country, Context c, Iterable<Acc> in, Collector<Partial> out) {
            Partial p = new Partial();
            p.set(c.window().getStart(), country, in.iterator().next());
            out.collect(p);
        }
    }

    /** The row of a window over all countries. */
    static final class Global extends ProcessAllWindowFunction<Acc, String, TimeWindow> {
        @Override
        public void process(Context c, Iterable<Acc> in, Collector<String> out) {
            out.collect(Rows.json(c.window().getStart(), null, in.iterator().next()));
        }
    }
}
