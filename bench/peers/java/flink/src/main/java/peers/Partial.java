package peers;

/** Sums on their way: of a window and a country, or of a part of it. Flat and public, so that Flink's POJO serializer takes it. */
public class Partial {
    public long start;
    public String country;
    public long n;
    public long orders;
    public long returns;
    public double volume;

    void set(long start, String country, Acc a) {
        this.start = start;
        this.country = country;
        n = a.n;
        orders = a.orders;
        returns = a.returns;
        volume = a.volume;
    }

    void addTo(Acc a) {
        a.n += n;
        a.orders += orders;
        a.returns += returns;
        a.volume += volume;
    }

    /** The row of a country's window. */
    static String line(Partial p) {
        Acc a = new Acc();
        p.addTo(a);
        return Rows.json(p.start, p.country, a);
    }
}
