using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Security;

namespace Updraft.Server.Events;

/// <summary>Endpoints of the audit log.</summary>
internal static class EventEndpoints
{
    /// <summary>Maximum number of events in one export. To export more, a caller sends several requests with shorter time spans.</summary>
    public const int MostExported = 100_000;

    private const string Header =
        "at,type,byId,byName,targetType,targetId,targetName,workspaceId,deploymentId,deployId,details,requestId\r\n";

    public static void MapEvents(this IEndpointRouteBuilder routes)
    {
        var log = routes.MapGroup("/organizations/{organizationId}/audit-log");
        log.MapGet("", List).Requires(Permission.ReadAuditLog).Operation("ListAuditEvents");
        log.MapGet("/export", Export).Requires(Permission.ReadAuditLog);
    }

    private static async Task<JsonHttpResult<AuditEventsPaginated>> List([AsParameters] AuditLogQuery query, Paging paging,
        Subject subject, AuditLog log,
        CancellationToken cancellationToken)
    {
        var rows = log.Find(subject, query.ToFilter());
        var page = await rows.Skip(paging.Offset).Take(paging.Limit).ToListAsync(cancellationToken);
        return TypedResults.Json(new()
        {
            Events = [.. page.Select(ToResponse)],
            Limit = paging.Limit,
            Offset = paging.Offset,
            TotalCount = await rows.LongCountAsync(cancellationToken),
        }, ApiJson.Default.AuditEventsPaginated);
    }

    /// <summary>
    /// All matching events, newest first, as CSV or as one JSON object per line. The response is written while the rows are read.
    /// </summary>
    private static PushStreamHttpResult Export([AsParameters] AuditLogQuery query, string? format, Subject subject, AuditLog log,
        CancellationToken cancellationToken)
    {
        var isTable = TextLimit.OneOf(string.IsNullOrEmpty(format) ? null : format, "format", "csv", "csv", "jsonl") == "csv";
        var rows = log.ReadAllAsync(subject, query.ToFilter(), cancellationToken).Take(MostExported);
        return TypedResults.Stream(async stream =>
        {
            await using var writer = new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
            if (isTable)
                await writer.WriteAsync(Header);
            await foreach (var row in rows.WithCancellation(cancellationToken))
                await writer.WriteAsync(isTable
                    ? Line(row) : JsonSerializer.Serialize(ToResponse(row), ApiJson.Default.AuditEventResponse) + "\n");
        }, isTable ? "text/csv; charset=utf-8" : "application/jsonl; charset=utf-8", isTable ? "audit-log.csv" : "audit-log.jsonl");
    }

    private static string Line(Event row) => string.Join(',', ((string?[])
    [
        row.At.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture), row.Type, row.By.Id, row.By.FullName
            ?? row.By.Name, row.TargetType,
        row.TargetId, row.TargetName, row.WorkspaceId?.Value, row.DeploymentId?.Value, row.DeployId?.Value,
        string.Join("; ", row.Details.Select(detail => $"{detail.Key}={detail.Value}")), row.RequestId,
    ]).Select(Cell)) + "\r\n";

    /// <summary>A CSV cell. A text that a spreadsheet would evaluate as a formula gets an apostrophe in front.</summary>
    private static string Cell(string? text)
    {
        text ??= "";
        if (text.Length > 0 && text[0] is '=' or '+' or '-' or '@' or '\t' or '\r')
            text = "'" + text;
        return text.AsSpan().ContainsAny("\",\r\n'") ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
    }

    private static AuditEventResponse ToResponse(Event row) => new()
    {
        Id = row.Id.Value,
        At = row.At,
        Type = row.Type,
        By = row.By.ToResponse(),
        TargetType = row.TargetType,
        TargetId = row.TargetId,
        TargetName = row.TargetName,
        OrganizationId = row.OrganizationId.Value,
        WorkspaceId = row.WorkspaceId?.Value,
        DeploymentId = row.DeploymentId?.Value,
        DeployId = row.DeployId?.Value,
        Details = row.Details,
        RequestId = row.RequestId,
    };
}
