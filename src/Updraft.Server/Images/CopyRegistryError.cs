using System.Text.Json;
using Updraft.Protocol.Api;

namespace Updraft.Server.Images;

/// <summary>
/// Copies an error of the registry, whose body is short. CNCF Distribution 2.8 sends a 416 with the length of the whole blob and then
/// closes the connection. If the body is incomplete, the client gets the status with a message of this server.
/// </summary>
internal static class CopyRegistryError
{
    // Errors of registries have a few hundred bytes.
    private const int MaxBody = 64 * 1024;

    /// <summary>Whether a response is an error with a body. Call it before the body is copied.</summary>
    public static bool Applies(HttpContext context, HttpResponseMessage response) =>
        (int)response.StatusCode >= StatusCodes.Status400BadRequest && !HttpMethods.IsHead(context.Request.Method);

    /// <summary>Copies the body. The status and the headers are already set.</summary>
    public static async Task RunAsync(HttpContext context, HttpResponseMessage source, CancellationToken cancellationToken)
    {
        var response = context.Response;
        var body = await ReadAsync(source.Content, cancellationToken);
        if (body is null)
        {
            response.Headers.ContentEncoding = default;
            response.ContentType = "application/json";
            body = JsonSerializer.SerializeToUtf8Bytes(Replacement(response.StatusCode), ApiJson.Default.RegistryErrors);
        }
        response.ContentLength = body.Length;
        await response.Body.WriteAsync(body, cancellationToken);
    }

    /// <summary>The body; null if it is incomplete or too long.</summary>
    private static async Task<byte[]?> ReadAsync(HttpContent content, CancellationToken cancellationToken)
    {
        if (content.Headers.ContentLength > MaxBody && content.Headers.ContentEncoding.Count == 0)
            return null;
        try
        {
            using var copy = new MemoryStream();
            var buffer = new byte[4096];
            await using var body = await content.ReadAsStreamAsync(cancellationToken);
            for (int read; (read = await body.ReadAsync(buffer, cancellationToken)) > 0;)
            {
                if (copy.Length + read > MaxBody)
                    return null;
                copy.Write(buffer, 0, read);
            }
            return copy.ToArray();
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    private static RegistryErrors Replacement(int status) => new()
    {
        Errors =
        [
            status == StatusCodes.Status416RangeNotSatisfiable
                ? new RegistryError { Code = "RANGE_INVALID", Message = "The range is not a part of the content. Request a range inside of it." }
                : new RegistryError { Code = "UNKNOWN", Message =
                    $"The image registry responded with status {status} and an incomplete message. Its log may have the cause." },
        ],
    };
}
