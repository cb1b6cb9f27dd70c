package peers;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;

/**
 * StreamsJob BOOTSTRAP TOPIC APP STATEDIR dsl|local
 *
 * See DslTopology and LocalTopology. Rows go to the topics APP-kpi-country and APP-kpi-global; stops when the topic's end, as it is at
 * the start, has been read and summed.
 */
public final class StreamsJob {
    private static final int COMMIT_MS = 1_000;

    private StreamsJob() {}

    public static void main(String[] args) throws Exception {
        String bootstrap = args[0], topic = args[1], app = args[2], dir = args[3];
        boolean isLocal = args[4].equals("local");
        Properties conf = settings(bootstrap, app, dir, isLocal);
        long total;
        int partitions;
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            List<TopicPartition> parts = partitions(admin, topic);
            partitions = parts.size();
            total = offsets(admin, parts, OffsetSpec.latest()) - offsets(admin, parts, OffsetSpec.earliest());
            admin.createTopics(List.of(topic(app + "-kpi-country", 2), topic(app + "-kpi-global", 1), topic(app + "-partials", 2))).all().get();
        }
        Topology topology = isLocal ? LocalTopology.build(topic, app, partitions) : DslTopology.build(topic, app, conf);
        KafkaStreams streams = new KafkaStreams(topology, conf);
        streams.setUncaughtExceptionHandler(x -> {
            x.printStackTrace();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.start();
        Progress.await(streams, total, COMMIT_MS, isLocal);
        Progress.tell(streams);
        boolean failed = streams.state() == KafkaStreams.State.ERROR;
        streams.close(Duration.ofSeconds(60));
        System.exit(failed ? 1 : 0);
    }

    private static Properties settings(String bootstrap, String app, String dir, boolean isLocal) {
        Properties c = new Properties();
        c.put(StreamsConfig.APPLICATION_ID_CONFIG, app);
        c.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        c.put(StreamsConfig.STATE_DIR_CONFIG, dir);
        c.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, COMMIT_MS);
        // The DSL's tasks drift apart while they catch up, and more threads or larger polls let them drift further (see the README).
        c.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, isLocal ? "2" : "1");
        c.put("consumer.max.poll.records", isLocal ? "4000" : "500");
        c.put(StreamsConfig.TOPOLOGY_OPTIMIZATION_CONFIG, "all");
        c.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, Integer.toString(128 << 20));
        c.put("auto.offset.reset", "earliest");
        c.put("consumer.max.partition.fetch.bytes", "1048576");
        c.put("consumer.fetch.max.bytes", "16777216");
        c.put("consumer.receive.buffer.bytes", "1048576");
        c.put("producer.batch.size", Integer.toString(256 << 10));
        c.put("producer.linger.ms", "100");
        c.put("producer.buffer.memory", Integer.toString(128 << 20));
        return c;
    }

    private static NewTopic topic(String name, int partitions) {
        return new NewTopic(name, Optional.of(partitions), Optional.empty());
    }

    private static List<TopicPartition> partitions(Admin admin, String topic) throws Exception {
        return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions()
            .stream().map(p -> new TopicPartition(topic, p.partition())).collect(Collectors.toList());
    }

    private static long offsets(Admin admin, List<TopicPartition> parts, OffsetSpec which) throws Exception {
        Map<TopicPartition, OffsetSpec> asked = parts.stream().collect(Collectors.toMap(Function.identity(), p -> which));
        return admin.listOffsets(asked).all().get().values().stream().mapToLong(o -> o.offset()).sum();
    }
}
