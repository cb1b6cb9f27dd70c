package peers;

import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.kstream.Suppressed;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.state.Stores;

/**
 * The documented way: parse, group by country through a repartition topic, windows with grace, suppress until the window closes. The
 * global row is a table by window over the final country rows, so its topic may hold several rows of a window, of which the last counts:
 * suppressed rows fed to a second windowed aggregation would be dropped as late there.
 */
final class DslTopology {
    private DslTopology() {}

    static Topology build(String topic, String app, Properties conf) {
        StreamsBuilder builder = new StreamsBuilder();
        KTable<Windowed<String>, Acc> closed = countries(builder, topic);
        closed.toStream().peek((k, a) -> Progress.CLOSED.addAndGet(a.n))
            .map((k, a) -> new KeyValue<>(k.key(), Rows.json(k.window().start(), k.key(), a)))
            .to(app + "-kpi-country", Produced.with(Serdes.String(), Serdes.String()));
        closed.groupBy((k, a) -> KeyValue.pair(k.window().start(), a), Grouped.with("all", Serdes.Long(), Formats.sums()))
            .aggregate(Acc::new, (w, p, a) -> { a.merge(p); Progress.GLOBAL.addAndGet(p.n); return a; }, (w, p, a) -> a,
                Materialized.<Long, Acc>as(Stores.inMemoryKeyValueStore("global"))
                    .withKeySerde(Serdes.Long()).withValueSerde(Formats.sums()).withCachingEnabled())
            .toStream()
            .map((w, a) -> new KeyValue<>(Long.toString(w), Rows.json(w, null, a)))
            .to(app + "-kpi-global", Produced.with(Serdes.String(), Serdes.String()));
        return builder.build(conf);
    }

    /** The final sums of each country's windows. */
    private static KTable<Windowed<String>, Acc> countries(StreamsBuilder builder, String topic) {
        Duration window = Duration.ofMillis(Rows.WINDOW), grace = Duration.ofMillis(Rows.DELAY);
        Serde<Event> invoices = Serdes.serdeFrom((t, e) -> new byte[0], Formats.json());
        return builder
            .stream(topic, Consumed.with(Serdes.ByteArray(), invoices).withTimestampExtractor((r, t) -> ((Event) r.value()).ts))
            .peek((k, e) -> { Marks.first(); Progress.READ.incrementAndGet(); })
            .selectKey((k, e) -> e.country)
            .repartition(Repartitioned.<String, Event>as("by-country").withKeySerde(Serdes.String())
                .withValueSerde(Formats.events()).withNumberOfPartitions(2))
            .groupByKey(Grouped.with(Serdes.String(), Formats.events()))
            .windowedBy(TimeWindows.ofSizeAndGrace(window, grace))
            .aggregate(Acc::new, (k, e, a) -> { a.add(e); Progress.SUMMED.incrementAndGet(); return a; },
                Materialized.<String, Acc>as(Stores.inMemoryWindowStore("country", window.plus(grace), window, false))
                    .withKeySerde(Serdes.String()).withValueSerde(Formats.sums()).withCachingEnabled())
            .suppress(Suppressed.untilWindowCloses(Suppressed.BufferConfig.unbounded()));
    }
}
