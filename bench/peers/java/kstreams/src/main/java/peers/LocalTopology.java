package peers;

import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.AutoOffsetReset;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.StreamPartitioner;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * The fastest shape found for Kafka Streams: the source's task sums on its heap (Sums), sums travel through a topic, and a second stage
 * (Merge) closes windows by the least time of all source partitions, so that tasks that run ahead of each other lose nothing.
 */
final class LocalTopology {
    private LocalTopology() {}

    static Topology build(String topic, String app, int partitions) {
        Topology t = new Topology();
        t.addSource((AutoOffsetReset) null, "in", (r, now) -> ((Event) r.value()).ts, new ByteArrayDeserializer(), Formats.json(), topic);
        t.addProcessor("sums", Sums::new, "in");
        t.addStateStore(Heap.builder(), "sums");
        t.addSink("partials-out", app + "-partials", new ByteArraySerializer(), new ByteArraySerializer(), route(), "sums");
        t.addSource("partials-in", new ByteArrayDeserializer(), new ByteArrayDeserializer(), app + "-partials");
        t.addProcessor("merge", () -> new Merge(partitions), "partials-in");
        t.addStateStore(store("open", Serdes.Bytes(), Serdes.ByteArray()), "merge");
        t.addStateStore(store("times", Serdes.Integer(), Serdes.Long()), "merge");
        t.addSink("country", app + "-kpi-country", new StringSerializer(), new StringSerializer(), "merge");
        t.addSink("global", app + "-kpi-global", new StringSerializer(), new StringSerializer(), "merge");
        return t;
    }

    private static <K, V> StoreBuilder<KeyValueStore<K, V>> store(String name, Serde<K> key, Serde<V> value) {
        return Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore(name), key, value).withLoggingEnabled(Map.of()).withCachingEnabled();
    }

    /** Sums go by country (those of all countries to partition 0), stream times to every partition. */
    private static StreamPartitioner<byte[], byte[]> route() {
        return (topic, key, value, n) -> {
            if (value.length == Sums.TIME_BYTES) {
                return Optional.of(IntStream.range(0, n).boxed().collect(Collectors.toSet()));
            }
            int hash = 0;
            for (int i = 8; i < key.length; i++) hash = 31 * hash + key[i];
            return Optional.of(Set.of((hash & 0x7fffffff) % n));
        };
    }
}
