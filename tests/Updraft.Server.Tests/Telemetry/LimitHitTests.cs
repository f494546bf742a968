using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Updraft.Server.Telemetry;
using Updraft.Server.Tests.Uploads;

namespace Updraft.Server.Tests.Telemetry;

/// <summary>
/// Each limit that a slice registers has a request here that exceeds it, and the metric counts that request under that limit.
/// </summary>
[Trait("Database", "any")]
public sealed class LimitHitTests
{
    private const string Terabyte = "1099511627776";

    /// <summary>For each limit: a value that is easy to exceed, and the request that exceeds it.</summary>
    private static readonly Dictionary<string, (string Value, Func<LimitSite, Task<HttpStatusCode>> ExceedAsync)> Limits =
        new(StringComparer.Ordinal)
        {
            ["Uploads:MaxConcurrent"] = ("1", site => site.PutWhileAnotherRunsAsync()),
            ["Uploads:MaxBytes"] = ("1000", site => site.PutAsync(new byte[1001])),
            ["Uploads:MaxBlockBytes"] = ("1000", site => site.PutAsync(new byte[1001], "&comp=block&blockid=AAAA")),
            ["Uploads:MaxBlocks"] = ("2", site => site.PutAsync(
                "<BlockList><Latest>AAAA</Latest><Latest>BBBB</Latest><Latest>CCCC</Latest></BlockList>"u8.ToArray(), "&comp=blocklist")),
            ["Uploads:MaxMinutes"] = ("1", site => site.PutSlowlyAsync(TimeSpan.FromSeconds(90))),
            ["Uploads:MaxIdleSeconds"] = ("5", site => site.PutSlowlyAsync(TimeSpan.FromSeconds(6))),
            ["Uploads:MinBytesPerSecond"] = ("1000000", site => site.PutByteByByteAsync()),
            ["Storage:ReserveBytes"] = (Terabyte, site => site.PutAsync(UploadSite.Tar("one"))),
            ["Archives:MaxUnpackedBytes"] = ("20480", site => site.PutAsync(new TarBuilder().File(TarBuilder.Text("a"), new byte[20_480]))),
            ["Archives:MaxEntries"] = ("2", site => site.PutAsync(new TarBuilder().File("a").File("b").File("c"))),
            ["Archives:MaxPathBytes"] = ("10", site => site.PutAsync(new TarBuilder().File("elevenchars"))),
            ["Archives:MaxDepth"] = ("2", site => site.PutAsync(new TarBuilder().File("a/b/c"))),
            ["Archives:MaxEntryMetadataBytes"] = ("1024", site => site.PutAsync(
                new TarBuilder().Pax(("comment", new string('x', 2000))).File("a"))),
            ["Archives:MaxMetadataBytes"] = ("1024", site => site.PutAsync(new TarBuilder()
                .Pax(("comment", new string('x', 600))).File("a").Pax(("comment", new string('x', 600))).File("b"))),
        };

    public static TheoryData<string> Names => [.. Limits.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Request_above_a_limit_is_counted_under_its_setting(string setting)
    {
        var (value, exceedAsync) = Limits[setting];
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56));
        var settings = new Dictionary<string, string>(StringComparer.Ordinal) { [setting] = value };
        await using var server = await UpdraftServer.StartAsync(clock, settings);
        using var site = new LimitSite(server, clock, await UploadSite.CreateAsync(server));

        var status = await exceedAsync(site);

        Assert.True((int)status >= 400, $"The request got {status}.");
        await Poll.UntilAsync(() => Task.FromResult(!site.Counted.IsEmpty));
        Assert.Equal([setting], site.Counted);
    }

    [Fact]
    public async Task Every_registered_limit_has_a_request_here()
    {
        await using var app = Program.Create(["--Logging:LogLevel:Default=None"]);
        var registered = app.Services.GetServices<RequestLimit>().Select(limit => limit.Setting);

        Assert.Equal(registered.Order(StringComparer.Ordinal), Limits.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Every_constant_of_a_limits_class_is_registered()
    {
        await using var app = Program.Create(["--Logging:LogLevel:Default=None"]);
        var declared = ConstantsOf(type => type.Name.EndsWith("Limits", StringComparison.Ordinal), _ => true);

        Assert.NotEmpty(declared);
        Assert.Equal(declared, app.Services.GetServices<RequestLimit>().Select(limit => limit.Setting).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Every_background_work_is_registered()
    {
        await using var app = Program.Create(["--Logging:LogLevel:Default=None"]);
        var declared = ConstantsOf(_ => true, name => name == "WorkName");

        Assert.Contains("expire_uploads", declared);
        Assert.Equal(declared, app.Services.GetServices<BackgroundWorkName>().Select(work => work.Name).Order(StringComparer.Ordinal));
    }

    private static List<string> ConstantsOf(Func<Type, bool> ofType, Func<string, bool> ofName) =>
    [
        .. typeof(Program).Assembly.GetTypes().Where(ofType).SelectMany(type => type.GetFields())
            .Where(field => field.IsLiteral && field.FieldType == typeof(string) && ofName(field.Name))
            .Select(field => (string)field.GetRawConstantValue()!).Order(StringComparer.Ordinal),
    ];

    /// <summary>
    /// Sends requests with a trace id of its own, and collects the limits that are counted in this trace: other tests run in parallel.
    /// </summary>
    private sealed class LimitSite : IDisposable
    {
        private readonly UpdraftServer _server;
        private readonly FakeTimeProvider _clock;
        private readonly UploadSite _upload;
        private readonly ActivityTraceId _trace = ActivityTraceId.CreateRandom();
        private readonly ActivityListener _spans;
        private readonly MeterListener _meters = new();

        public LimitSite(UpdraftServer server, FakeTimeProvider clock, UploadSite upload)
        {
            (_server, _clock, _upload) = (server, clock, upload);
            _spans = new ActivityListener
            {
                ShouldListenTo = static source => source.Name == "Microsoft.AspNetCore",
                Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            };
            ActivitySource.AddActivityListener(_spans);
            _meters.InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Name == "updraft.limit.hits")
                    listener.EnableMeasurementEvents(instrument);
            };
            _meters.SetMeasurementEventCallback<long>(Collect);
            _meters.Start();
        }

        public ConcurrentQueue<string> Counted { get; } = [];

        public Task<HttpStatusCode> PutAsync(TarBuilder archive) => PutAsync(archive.ToArray());

        public async Task<HttpStatusCode> PutAsync(byte[] content, string query = "")
        {
            using var response = await _upload.PutAsync(content, query, request => request.Headers.Add("traceparent", TraceParent));
            return response.StatusCode;
        }

        public async Task<HttpStatusCode> PutWhileAnotherRunsAsync()
        {
            using var other = await StartAsync(traced: false);
            return await PutAsync(UploadSite.Tar("one"));
        }

        public async Task<HttpStatusCode> PutSlowlyAsync(TimeSpan duration)
        {
            using var http = await StartAsync(traced: true);
            _clock.Advance(duration);
            return (HttpStatusCode)int.Parse((await http.ReadUntilAsync("\"statusCode\":4")).Split("HTTP/1.1 ")[^1][..3],
                System.Globalization.CultureInfo.InvariantCulture);
        }

        /// <summary>Sends a byte each second of the clock, until the server responds.</summary>
        public async Task<HttpStatusCode> PutByteByByteAsync()
        {
            using var http = await StartAsync(traced: true);
            var response = http.ReadUntilAsync("\"statusCode\":4");
            foreach (var value in UploadSite.Tar("one").Take(511))
            {
                _clock.Advance(TimeSpan.FromSeconds(1));
                await http.OfferAsync((byte[])[value]);
                if (await Task.WhenAny(response, Task.Delay(20, TestContext.Current.CancellationToken)) == response)
                    break;
            }
            return (HttpStatusCode)int.Parse((await response).Split("HTTP/1.1 ")[^1][..3], System.Globalization.CultureInfo.InvariantCulture);
        }

        public void Dispose()
        {
            _meters.Dispose();
            _spans.Dispose();
        }

        private string TraceParent => $"00-{_trace}-{ActivitySpanId.CreateRandom()}-01";

        /// <summary>Starts an upload whose body does not arrive.</summary>
        private async Task<RawHttp> StartAsync(bool traced)
        {
            var http = await RawHttp.ConnectAsync(_server.BaseAddress);
            string[] headers = ["x-ms-blob-type: BlockBlob", "Content-Length: 10240", "Expect: 100-continue"];
            await http.SendHeadAsync(_upload.Url, traced ? [.. headers, $"traceparent: {TraceParent}"] : headers);
            await http.ReadUntilAsync("100 Continue\r\n\r\n");
            return http;
        }

        private void Collect(Instrument instrument, long count, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state)
        {
            if (count > 0 && Activity.Current?.TraceId == _trace)
                Counted.Enqueue((string)tags[0].Value!);
        }
    }
}
