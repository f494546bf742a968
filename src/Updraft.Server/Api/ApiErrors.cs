using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Api;

/// <summary>How errors of this request are shown when a person sees them in a browser; the status is set already.</summary>
internal sealed record ErrorPage(Func<HttpContext, string, Task> WriteAsync);

/// <summary>
/// The one place that answers errors. Outermost middleware: gives the request its id, turns what is thrown into
/// <see cref="ErrorResponse"/>, and fills answers that the framework leaves without a body.
/// </summary>
internal sealed partial class ApiErrors(RequestDelegate next, TimeProvider clock, ILogger<ApiErrors> logger)
{
    private const string RequestIdHeader = "x-request-id";

    public async Task InvokeAsync(HttpContext context)
    {
        context.TraceIdentifier = ChooseRequestId(context.Request.Headers["X-Request-Id"]);
        context.Response.Headers[RequestIdHeader] = context.TraceIdentifier;
        using var scope = logger.BeginScope("{RequestId} {Method} {Path}", context.TraceIdentifier,
            ApiException.Shorten(context.Request.Method), ApiException.Shorten(context.Request.Path.Value ?? ""));
        try
        {
            await next(context);
            if (IsBareError(context.Response))
                await WriteAsync(context, context.Response.StatusCode, Explain(context), blobErrorCode: null);
        }
        catch (ApiException exception)
        {
            LimitHits.Count(exception.Message);
            if (exception.StatusCode >= 500)
                LogFailure(exception);
            else
                LogRefused(exception.StatusCode, exception.Message);
            await WriteAsync(context, exception.StatusCode, exception.Message, exception.BlobErrorCode);
        }
        catch (BadHttpRequestException exception)
        {
            LogRefused(exception.StatusCode, exception.Message);
            await WriteAsync(context, exception.StatusCode, Explain(exception), blobErrorCode: null);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
        }
        catch (Exception exception) when (StorageFailure.Of(exception) is { } failure)
        {
            LogFailure(exception);
            await WriteAsync(context, failure.StatusCode, failure.Message, blobErrorCode: null);
        }
        catch (Exception exception)
        {
            LogFailure(exception);
            await WriteAsync(context, StatusCodes.Status500InternalServerError,
                "Something failed inside the server; the log has more under this request id.", blobErrorCode: null);
        }
    }

    private string ChooseRequestId(string? wanted) => wanted is { Length: > 0 and <= 64 }
        && wanted.All(static c => char.IsAsciiLetterOrDigit(c) || c == '-') ? wanted : EntityId.New(clock);

    // A range that cannot be had has the content type of the file, and no body.
    private static bool IsBareError(HttpResponse response) => !response.HasStarted
        && (response.StatusCode == StatusCodes.Status416RangeNotSatisfiable
            || (response.StatusCode >= 400 && response.ContentLength is null && string.IsNullOrEmpty(response.ContentType)));

    private static string Explain(HttpContext context)
    {
        var path = ApiException.Shorten(context.Request.Path.Value ?? "");
        return context.Response.StatusCode switch
        {
            StatusCodes.Status404NotFound when path.Contains("//", StringComparison.Ordinal) =>
                $"An id in the address '{path}' is empty. The client does not know its Organization, Workspace or "
                + "Deployment: check its token and settings.",
            StatusCodes.Status404NotFound => $"There is nothing at '{path}'.",
            StatusCodes.Status405MethodNotAllowed =>
                $"'{path}' does not take {ApiException.Shorten(context.Request.Method)}; it takes {context.Response.Headers.Allow}.",
            StatusCodes.Status415UnsupportedMediaType => "The body has a content type that is not taken here; send JSON.",
            StatusCodes.Status416RangeNotSatisfiable => "The range lies outside of what is there.",
            StatusCodes.Status401Unauthorized => "Send a valid token: 'Authorization: Bearer TOKEN'.",
            StatusCodes.Status403Forbidden => "The token does not permit this.",
            var status => $"The request was refused with status {status}.",
        };
    }

    private static string Explain(BadHttpRequestException exception) => exception.StatusCode switch
    {
        StatusCodes.Status413PayloadTooLarge => "The body is larger than is taken here.",
        StatusCodes.Status415UnsupportedMediaType => "The body has a content type that is not taken here; send JSON.",
        StatusCodes.Status408RequestTimeout => "The body came too slowly.",
        _ => "The request is malformed: a value in the address, a header or the body cannot be read.",
    };

    private async Task WriteAsync(HttpContext context, int statusCode, string message, string? blobErrorCode)
    {
        var response = context.Response;
        if (response.HasStarted)
        {
            // Half an answer must not look like a whole one.
            LogCutOff(statusCode, message);
            context.Abort();
            return;
        }
        var allow = response.Headers.Allow;
        var challenge = response.Headers.WWWAuthenticate;
        response.Clear();
        response.Headers[RequestIdHeader] = context.TraceIdentifier;
        if (statusCode == StatusCodes.Status405MethodNotAllowed)
            response.Headers.Allow = allow;
        if (statusCode == StatusCodes.Status401Unauthorized)
            response.Headers.WWWAuthenticate = challenge.Count > 0 ? challenge : "Bearer";
        if (blobErrorCode is not null)
            response.Headers["x-ms-error-code"] = blobErrorCode;
        response.StatusCode = statusCode;
        if (context.Features.Get<ErrorPage>() is { } page)
        {
            await page.WriteAsync(context, message);
            return;
        }
        await response.WriteAsJsonAsync(
            new ErrorResponse { Message = message, RequestId = context.TraceIdentifier, StatusCode = statusCode },
            CancellationToken.None);
    }

    [LoggerMessage(1, LogLevel.Error, "The request failed.")]
    private partial void LogFailure(Exception exception);

    [LoggerMessage(2, LogLevel.Information, "Refused with {StatusCode}: {Reason}")]
    private partial void LogRefused(int statusCode, string reason);

    [LoggerMessage(3, LogLevel.Warning, "The answer was cut off after it had begun: {StatusCode} {Reason}")]
    private partial void LogCutOff(int statusCode, string reason);
}
