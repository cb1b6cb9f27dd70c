#!/usr/bin/env python3
"""spark_job.py BOOTSTRAP TOPIC OUTDIR JARS MEMORY: the job in Spark's Structured Streaming, as cheap as it could be made.

Native SQL alone (no Python function touches a record), only the members that are needed, and one query that reads the topic once: rows by
(window, country) in append mode. Each batch's closed windows go to OUTDIR/country and, summed over the countries, to OUTDIR/global; a
window closes for all countries at the same watermark, so the sum is final.
"""
import glob
import os
import sys
from datetime import datetime, timezone

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

SCHEMA = "country string, timestamp timestamp, type string, items array<struct<unit_price: double, quantity: int>>"
GROSS = "aggregate(items, 0D, (a, i) -> a + coalesce(i.unit_price, 0D) * coalesce(i.quantity, 0))"


def session(jars, memory):
    jars = sorted(glob.glob(os.path.join(os.path.abspath(jars), "*.jar")))
    spark = (
        SparkSession.builder.appName("invoices").master("local[2]")
        .config("spark.driver.extraClassPath", ":".join(jars))
        .config("spark.driver.memory", memory)
        .config("spark.driver.extraJavaOptions", f"-XX:+UseParallelGC -Xms{memory}")
        .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        # The default of 200 would be 200 tasks a batch for forty countries.
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def invoices(spark, bootstrap, topic):
    raw = (
        spark.readStream.format("kafka").option("kafka.bootstrap.servers", bootstrap).option("subscribe", topic)
        .option("startingOffsets", "earliest").option("failOnDataLoss", "false")
        .option("kafka.max.poll.records", "10000").option("kafka.max.partition.fetch.bytes", str(4 << 20))
        .option("kafka.fetch.max.bytes", str(32 << 20)).option("kafka.receive.buffer.bytes", str(1 << 20))
    ).load()
    d = raw.select(F.from_json(F.col("value").cast("string"), SCHEMA).alias("d")).select("d.*")
    gross, back = F.expr(GROSS), F.col("type") == "RETURN"
    return d.select("country", "timestamp", F.when(back, -gross).otherwise(gross).alias("total_cost"),
                    (F.col("type") == "ORDER").cast("int").alias("is_order"), back.cast("int").alias("is_return"))


def sums(events):
    return (events.withWatermark("timestamp", "10 minutes").groupBy(F.window("timestamp", "1 minute"), "country")
            .agg(F.count(F.lit(1)).alias("OPM"), F.sum("is_order").alias("orders"),
                 F.sum("total_cost").alias("total_sale_volume"), F.sum("is_return").alias("returns")))


def kpis(rows, *keys):
    n = F.col("orders") + F.col("returns")
    cols = ["window", *keys, "OPM", "total_sale_volume", (F.col("returns") / n).alias("rate_of_return")]
    if not keys:
        cols.append((F.col("total_sale_volume") / n).alias("average_transaction_size"))
    return rows.select(*cols)


def first_record(query):
    """When the first batch began to be worked on, milliseconds: from Spark's own report, since no code of ours sees a record."""
    for progress in query.recentProgress:
        took = progress["durationMs"]
        if "addBatch" in took:
            began = datetime.fromisoformat(progress["timestamp"].replace("Z", "+00:00")).astimezone(timezone.utc).timestamp() * 1000
            return began + took["triggerExecution"] - took["addBatch"] - took.get("commitOffsets", 0)
    return None


def main():
    bootstrap, topic, out, jars, memory = sys.argv[1:]
    spark = session(jars, memory)

    def write(batch, number):
        rows = batch.coalesce(1).persist()
        kpis(rows, "country").write.mode("append").json(f"{out}/country")
        total = rows.groupBy("window").agg(*[F.sum(c).alias(c) for c in ("OPM", "orders", "total_sale_volume", "returns")])
        kpis(total).coalesce(1).write.mode("append").json(f"{out}/global")
        rows.unpersist()

    query = (sums(invoices(spark, bootstrap, topic)).writeStream.outputMode("append").foreachBatch(write)
             .option("checkpointLocation", f"{out}/checkpoint").trigger(availableNow=True).start())
    query.awaitTermination()
    print("@READ", sum(progress["numInputRows"] for progress in query.recentProgress), flush=True)
    first = first_record(query)
    if first is not None:
        print(f"@FIRST {int(first)}", flush=True)
    spark.stop()


main()
