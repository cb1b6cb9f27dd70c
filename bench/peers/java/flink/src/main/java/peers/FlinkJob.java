package peers;

import java.time.Duration;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.SimpleStringEncoder;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;

/**
 * FlinkJob BOOTSTRAP TOPIC OUTDIR plain|local
 *
 * plain: source, parse, keyBy(country), windows of one minute; the global row from the country rows of the same window.
 * local: the same behind a first stage that sums on the heap of the source's task (LocalSums), so that what is shuffled is sums and
 *        not events.
 */
public final class FlinkJob {
    private static final int PARALLELISM = 2;
    private static final TumblingEventTimeWindows MINUTE = TumblingEventTimeWindows.of(Duration.ofMillis(Rows.WINDOW));

    private FlinkJob() {}

    public static void main(String[] args) throws Exception {
        String bootstrap = args[0], topic = args[1], dir = args[2], shape = args[3];
        StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(PARALLELISM, settings());
        DataStream<Event> events = env.fromSource(source(bootstrap, topic), WatermarkStrategy
            .<Event>forBoundedOutOfOrderness(Duration.ofMillis(Rows.DELAY))
            .withTimestampAssigner((e, t) -> e.ts), "invoices");

        SingleOutputStreamOperator<Partial> rows = switch (shape) {
            case "plain" -> events.keyBy(e -> e.country).window(MINUTE).aggregate(new Sums.OfEvents(), new Sums.Country());
            case "local" -> events.transform("sums", Types.POJO(Partial.class), new LocalSums())
                .keyBy(p -> p.country).window(MINUTE).aggregate(new Sums.OfPartials(), new Sums.Country());
            default -> throw new IllegalArgumentException(shape);
        };
        rows.map(Partial::line).returns(Types.STRING).sinkTo(files(dir, "country"));
        rows.windowAll(MINUTE).aggregate(new Sums.OfPartials(), new Sums.Global()).sinkTo(files(dir, "global"));
        env.execute("invoices");
    }

    /** Object reuse and no Kryo, as Flink's own tuning page says; what is not used (network, managed memory) is kept small. */
    private static Configuration settings() {
        Configuration conf = new Configuration();
        conf.setString("pipeline.object-reuse", "true");
        conf.setString("pipeline.generic-types", "false");
        conf.setString("restart-strategy.type", "disable");
        conf.setString("taskmanager.memory.network.min", "64mb");
        conf.setString("taskmanager.memory.network.max", "64mb");
        conf.setString("taskmanager.memory.managed.size", "16mb");
        conf.setString("state.backend.type", "hashmap");
        return conf;
    }

    private static KafkaSource<Event> source(String bootstrap, String topic) {
        return KafkaSource.<Event>builder()
            .setBootstrapServers(bootstrap).setTopics(topic).setGroupId("flink-" + System.nanoTime())
            .setStartingOffsets(OffsetsInitializer.earliest()).setBounded(OffsetsInitializer.latest())
            .setDeserializer(new Parse())
            .setProperty("max.poll.records", "5000")
            .setProperty("max.partition.fetch.bytes", "1048576")
            .setProperty("fetch.max.bytes", "16777216")
            .setProperty("receive.buffer.bytes", "1048576")
            .setProperty("partition.discovery.interval.ms", "-1")
            .build();
    }

    private static FileSink<String> files(String dir, String name) {
        return FileSink.forRowFormat(new Path(dir, name), new SimpleStringEncoder<String>()).build();
    }
}
