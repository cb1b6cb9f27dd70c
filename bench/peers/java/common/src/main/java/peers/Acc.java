package peers;

/** The sums of one window and key, or of a part of it. */
public class Acc {
    public long n;
    public long orders;
    public long returns;
    public double volume;

    public void add(Event e) {
        n++;
        volume += e.cost;
        if (e.order) orders++;
        if (e.ret) returns++;
    }

    public void merge(Acc o) {
        n += o.n;
        orders += o.orders;
        returns += o.returns;
        volume += o.volume;
    }
}
