package peers;

import java.io.BufferedWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * TakeRows BOOTSTRAP APP OUTDIR: copies the rows of a StreamsJob from its topics to the files OUTDIR/country and OUTDIR/global, and
 * deletes all topics of APP. A program of its own, so that it costs the measured one nothing.
 */
public final class TakeRows {
    private TakeRows() {}

    public static void main(String[] args) throws Exception {
        String bootstrap = args[0], app = args[1], dir = args[2];
        for (String name : List.of("country", "global")) copy(bootstrap, app + "-kpi-" + name, Path.of(dir, name));
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            Set<String> all = admin.listTopics().names().get();
            admin.deleteTopics(all.stream().filter(t -> t.startsWith(app + "-")).collect(Collectors.toSet())).all().get();
        }
    }

    private static void copy(String bootstrap, String topic, Path file) throws Exception {
        Map<String, Object> conf = Map.of("bootstrap.servers", bootstrap);
        StringDeserializer text = new StringDeserializer();
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(conf, text, text); BufferedWriter out = Files.newBufferedWriter(file)) {
            List<TopicPartition> parts = consumer.partitionsFor(topic).stream()
                .map(p -> new TopicPartition(topic, p.partition())).collect(Collectors.toList());
            consumer.assign(parts);
            consumer.seekToBeginning(parts);
            Map<TopicPartition, Long> ends = consumer.endOffsets(parts);
            while (parts.stream().anyMatch(p -> consumer.position(p) < ends.get(p))) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
                    out.write(record.value());
                    out.newLine();
                }
            }
        }
    }
}
