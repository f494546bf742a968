using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Server.Api;
using Updraft.Server.OpenApi;

namespace Updraft.Testing;

/// <summary>
/// Reads along: every answer that a test's server gives below <c>/v1</c>, in every test, must be one that strict clients
/// of the published description and of the server's own accept.
/// </summary>
internal sealed class ResponseCheck : IStartupFilter
{
    private const string Prefix = "/v1";

    // The same for every server of the program.
    private static ContractReader? _own;

    private readonly ConcurrentQueue<string> _problems = new();

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use(CheckAsync);
        next(app);
    };

    /// <summary>Fails when an answer was wrong.</summary>
    public void AssertAllRight() => Assert.True(_problems.IsEmpty,
        "A strict client of the API would refuse these answers of the server. Correct them, or say in tests/Updraft.Testing/Contract/differences.json why they are right:\n"
        + string.Join('\n', _problems.Distinct(StringComparer.Ordinal)));

    private async Task CheckAsync(HttpContext context, RequestDelegate next)
    {
        var path = context.Request.Path;
        if (!path.StartsWithSegments(Prefix, StringComparison.OrdinalIgnoreCase) || HttpMethods.IsHead(context.Request.Method))
        {
            await next(context);
            return;
        }
        var answer = context.Response.Body;
        using var copy = new MemoryStream();
        await using var both = new TeeStream(answer, copy);
        context.Response.Body = both;
        try
        {
            await next(context);
        }
        finally
        {
            context.Response.Body = answer;
        }
        if (context.RequestAborted.IsCancellationRequested)
            return;
        var operation = context.GetEndpoint()?.Metadata.GetMetadata<Operation>()?.Id;
        var status = context.Response.StatusCode;
        if (status >= StatusCodes.Status400BadRequest && string.IsNullOrEmpty(context.Response.Headers[ErrorCode.Header]))
            _problems.Enqueue($"{context.Request.Method} {path} ({operation}) {status}: the header {ErrorCode.Header} is missing");
        var body = copy.GetBuffer().AsMemory(0, (int)copy.Length);
        foreach (var reader in (ContractReader[])[PublishedContract.Reader, await OwnAsync(context.RequestServices)])
        {
            foreach (var problem in reader.Problems(operation, status, context.Response.ContentType, body))
                _problems.Enqueue($"{context.Request.Method} {path} ({operation}) {status}: {problem}");
        }
    }

    /// <summary>A client that was made for this server's own description; it knows what is not published too, and takes nothing beyond it.</summary>
    private static async Task<ContractReader> OwnAsync(IServiceProvider services)
    {
        if (_own is { } known)
            return known;
        var (json, _) = await services.GetRequiredService<ServedDescription>().ReadAsync(CancellationToken.None);
        var facts = ContractFacts.From(JsonNode.Parse(json)!);
        return _own = new ContractReader(JsonElement.Parse(facts.ToJsonString()), new Dictionary<string, string>(StringComparer.Ordinal), "described");
    }

    /// <summary>Writes to two streams.</summary>
    private sealed class TeeStream(Stream first, Stream second) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush() => first.Flush();

        public override Task FlushAsync(CancellationToken cancellationToken) => first.FlushAsync(cancellationToken);

        public override void Write(byte[] buffer, int offset, int count)
        {
            second.Write(buffer, offset, count);
            first.Write(buffer, offset, count);
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            second.Write(buffer.Span);
            await first.WriteAsync(buffer, cancellationToken);
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
