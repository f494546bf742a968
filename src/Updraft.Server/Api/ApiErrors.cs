using System.Globalization;
using Microsoft.AspNetCore.Connections;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Api;

/// <summary>Renders an error of this request as a web page. The status is already set.</summary>
internal sealed record ErrorPage(Func<HttpContext, string, Task> WriteAsync);

/// <summary>
/// The only place that writes error responses. Outermost middleware: it assigns the request ID, turns exceptions into
/// <see cref="ErrorResponse"/>, and adds a body to errors that the framework leaves without one.
/// </summary>
internal sealed partial class ApiErrors(RequestDelegate next, TimeProvider clock, ILogger<ApiErrors> logger)
{
    private const string RequestIdHeader = "x-request-id";

    public async Task InvokeAsync(HttpContext context)
    {
        context.TraceIdentifier = ChooseRequestId(context.Request.Headers["X-Request-Id"]);
        context.Response.Headers[RequestIdHeader] = context.TraceIdentifier;
        using var scope = logger.BeginScope("{RequestId} {Method} {Path} {ClientAddress} {UserAgent}", context.TraceIdentifier,
            ApiException.Shorten(context.Request.Method), ApiException.Shorten(context.Request.Path.Value ?? ""),
            RequestClient.Address(context), RequestClient.UserAgent(context));
        try
        {
            await next(context);
            if (IsBareError(context.Response))
                await WriteAsync(context, context.Response.StatusCode, Explain(context));
        }
        catch (ApiException exception)
        {
            LimitHits.Count(exception.Limit);
            if (exception.StatusCode >= 500 && exception.InnerException is not null)
                LogFailure(exception);
            else if (exception.StatusCode >= 500)
                LogUnavailable(exception.StatusCode, exception.Code.Id, exception.Message);
            else
                LogRejected(exception.StatusCode, exception.Code.Id, exception.Message);
            if (exception.RetryAfter is { } pause)
                RepeatAfter(context.Response, pause);
            await WriteAsync(context, exception.Code, exception.StatusCode, exception.Message, exception.BlobErrorCode);
        }
        catch (BadHttpRequestException exception)
        {
            LogRejected(exception.StatusCode, RequestErrors.OfStatus(exception.StatusCode).Id, exception.Message);
            await WriteAsync(context, exception.StatusCode, Explain(exception));
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            if (!context.Response.HasStarted)
                context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
        }
        catch (Exception exception) when (context.RequestAborted.IsCancellationRequested && IsConsequenceOfAbort(exception))
        {
            LogAborted(exception.Message);
            if (!context.Response.HasStarted)
                context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
        }
        catch (Exception exception) when (StorageFailure.Of(exception) is { } failure)
        {
            if (StorageFailure.IsTransient(exception))
                LogUnavailable(failure.StatusCode, failure.Code.Id, failure.Message);
            else
                LogFailure(exception);
            await WriteAsync(context, failure.Code, failure.StatusCode, failure.Message, blobErrorCode: null);
        }
        catch (Exception exception)
        {
            LogFailure(exception);
            await WriteAsync(context, StatusCodes.Status500InternalServerError,
                "The server failed to process the request. Send it again; if it fails again, search the server log for this request ID.");
        }
    }

    // A database or connection that was interrupted because the client left is no failure of the server.
    private static bool IsConsequenceOfAbort(Exception exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is OperationCanceledException or ConnectionResetException or ConnectionAbortedException)
                return true;
        }
        return false;
    }

    private string ChooseRequestId(string? wanted) => wanted is { Length: > 0 and <= 64 }
        && wanted.All(static c => char.IsAsciiLetterOrDigit(c) || c == '-') ? wanted : EntityId.New(clock);

    // A 416 has the content type of the file, but no body.
    private static bool IsBareError(HttpResponse response) => !response.HasStarted
        && (response.StatusCode == StatusCodes.Status416RangeNotSatisfiable
            || (response.StatusCode >= 400 && response.ContentLength is null && string.IsNullOrEmpty(response.ContentType)));

    private static string Explain(HttpContext context)
    {
        var path = ApiException.Shorten(context.Request.Path.Value ?? "");
        return context.Response.StatusCode switch
        {
            StatusCodes.Status404NotFound when path.Contains("//", StringComparison.Ordinal) =>
                $"The URL path '{path}' contains an empty ID. The client does not know its Organization, Workspace or "
                + "Deployment: check its token and settings.",
            StatusCodes.Status404NotFound => $"The path '{path}' does not exist. Compare it with the API reference at /docs/.",
            StatusCodes.Status405MethodNotAllowed =>
                $"'{path}' does not support {ApiException.Shorten(context.Request.Method)}. Use {context.Response.Headers.Allow}.",
            StatusCodes.Status415UnsupportedMediaType => "The content type of the body is not supported. Send JSON with 'Content-Type: "
                + "application/json'.",
            StatusCodes.Status416RangeNotSatisfiable => "The requested range starts after the end of the content.",
            StatusCodes.Status401Unauthorized => "The request has no valid token. Send 'Authorization: Bearer TOKEN'.",
            StatusCodes.Status403Forbidden => "The token does not permit this operation.",
            var status => $"The server rejected the request with status {status}.",
        };
    }

    private static string Explain(BadHttpRequestException exception) => exception.StatusCode switch
    {
        StatusCodes.Status413PayloadTooLarge => "The request body exceeds the limit of this operation. Send a smaller body.",
        StatusCodes.Status415UnsupportedMediaType => "The content type of the body is not supported. Send JSON with 'Content-Type: "
            + "application/json'.",
        StatusCodes.Status408RequestTimeout => "The request body arrived too slowly. Send the request again.",
        _ => "The request is malformed: a value in the URL, a header or the body cannot be parsed.",
    };

    // When the response starts, because an error response first clears all headers.
    private static void RepeatAfter(HttpResponse response, TimeSpan pause)
    {
        if (response.HasStarted)
            return;
        response.OnStarting(() =>
        {
            response.Headers.RetryAfter = Math.Ceiling(pause.TotalSeconds).ToString(CultureInfo.InvariantCulture);
            return Task.CompletedTask;
        });
    }

    // HEAD works wherever GET does, but no route declares it.
    private static string AddHead(string allow) =>
        allow.Split(", ").Contains(HttpMethods.Get) && !allow.Split(", ").Contains(HttpMethods.Head)
            ? allow.Replace(HttpMethods.Get, $"{HttpMethods.Get}, {HttpMethods.Head}", StringComparison.Ordinal) : allow;

    private Task WriteAsync(HttpContext context, int statusCode, string message) =>
        WriteAsync(context, RequestErrors.OfStatus(statusCode), statusCode, message, blobErrorCode: null);

    private async Task WriteAsync(HttpContext context, ErrorCode code, int statusCode, string message, string? blobErrorCode)
    {
        var response = context.Response;
        if (response.HasStarted)
        {
            // A truncated body must not look like a complete one.
            LogTruncated(statusCode, message);
            context.Abort();
            return;
        }
        var allow = response.Headers.Allow;
        var challenge = response.Headers.WWWAuthenticate;
        response.Clear();
        response.Headers[RequestIdHeader] = context.TraceIdentifier;
        response.Headers[ErrorCode.Header] = code.Id;
        if (statusCode == StatusCodes.Status405MethodNotAllowed)
            response.Headers.Allow = AddHead(allow.ToString());
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

    [LoggerMessage(2, LogLevel.Information, "Rejected the request with {StatusCode} {Code}: {Reason}")]
    private partial void LogRejected(int statusCode, string code, string reason);

    [LoggerMessage(4, LogLevel.Warning, "Rejected the request with {StatusCode} {Code}: {Reason}")]
    private partial void LogUnavailable(int statusCode, string code, string reason);

    [LoggerMessage(5, LogLevel.Information, "The client left before the response was complete: {Reason}")]
    private partial void LogAborted(string reason);

    [LoggerMessage(3, LogLevel.Warning, "Aborted a response after it had started: {StatusCode} {Reason}")]
    private partial void LogTruncated(int statusCode, string reason);
}
