package peers;

/** One invoice as the KPIs need it: the columns that they ask for, and those that are derived while it is parsed. */
public class Event {
    public String country;
    public long ts;
    public double cost;
    public int items;
    public boolean order;
    public boolean ret;
}
