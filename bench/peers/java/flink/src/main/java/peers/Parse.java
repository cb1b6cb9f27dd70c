package peers;

import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** Parses in the source, into one event that is used again: object reuse is on, and nothing downstream keeps it. */
final class Parse implements KafkaRecordDeserializationSchema<Event> {
    private static final long serialVersionUID = 1L;
    private transient Invoices invoices;
    private transient Event event;

    @Override
    public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<Event> out) {
        if (invoices == null) {
            invoices = new Invoices();
            event = new Event();
            Marks.first();
        }
        invoices.parse(record.value(), event);
        out.collect(event);
    }

    @Override
    public TypeInformation<Event> getProducedType() {
        return Types.POJO(Event.class);
    }
}
