package peers;

import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.streams.processor.StateStore;
import org.apache.kafka.streams.processor.StateStoreContext;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.internals.CacheFlushListener;
import org.apache.kafka.streams.state.internals.CachedStateStore;

/**
 * Sums on the heap, which Streams flushes before each commit because they call themselves a cache. That interface is internal: nothing
 * public flushes a processor's heap before a commit.
 */
final class Heap implements StateStore, CachedStateStore<Object, Object> {
    static final String NAME = "heap";

    final Map<Long, Map<String, Acc>> windows = new HashMap<>();
    Runnable flush = () -> {};
    private boolean open;

    @Override public String name() { return NAME; }
    @Override public void init(StateStoreContext context, StateStore root) {
        context.register(root, (k, v) -> {});
        open = true;
    }
    @Override public void close() { open = false; }
    @Override public boolean persistent() { return false; }
    @Override public boolean isOpen() { return open; }
    @Override public boolean setFlushListener(CacheFlushListener<Object, Object> listener, boolean old) { return false; }
    @Override public void flushCache() { flush.run(); }
    @Override public void clearCache() { windows.clear(); }

    static StoreBuilder<Heap> builder() {
        return new StoreBuilder<>() {
            @Override public StoreBuilder<Heap> withCachingEnabled() { return this; }
            @Override public StoreBuilder<Heap> withCachingDisabled() { return this; }
            @Override public StoreBuilder<Heap> withLoggingEnabled(Map<String, String> config) { return this; }
            @Override public StoreBuilder<Heap> withLoggingDisabled() { return this; }
            @Override public Heap build() { return new Heap(); }
            @Override public Map<String, String> logConfig() { return Map.of(); }
            @Override public boolean loggingEnabled() { return false; }
            @Override public String name() { return NAME; }
        };
    }
}
