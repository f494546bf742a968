using System.Diagnostics;
using Updraft.Bench;

try
{
    var options = BenchOptions.Parse(args);
    var table = new Table(Console.Out);
    var clock = Stopwatch.StartNew();
    (string[] Ids, Func<BenchOptions, Table, Task> Run)[] benchmarks =
    [
        (["P1"], ReadDeploy.RunAsync),
        (["P2", "P3"], Delivery.RunAsync),
        (["P4", "P5"], Ingest.RunAsync),
        (["P6"], Lists.RunAsync),
        (["P7"], Footprint.RunAsync),
        (["P8"], Replicas.RunAsync),
        (["P9"], Pages.RunAsync),
        (["P10"], ListPage.RunAsync),
    ];
    foreach (var (_, run) in benchmarks.Where(benchmark => benchmark.Ids.Any(options.Wants)))
        await run(options, table);
    if (options.Report is { } report)
        await Report.WriteAsync(report, table, clock.Elapsed, TimeProvider.System);
    Console.WriteLine($"{table.Lines.Count(line => line.IsMet)} of {table.Lines.Count} goals met, in {clock.Elapsed:mm\\:ss}.");
    return 0;
}
catch (Exception exception)
{
    // The catch is general, so that all started programs have ended before the message.
    Console.Error.WriteLine(exception is BenchException ? exception.Message : exception);
    return 1;
}
