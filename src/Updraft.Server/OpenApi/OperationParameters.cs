using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.OpenApi;
using Updraft.Server.Api;

namespace Updraft.Server.OpenApi;

/// <summary>The parameters of an operation: first those of the path, then those that the handler reads from the query.</summary>
internal static partial class OperationParameters
{
    private static readonly Dictionary<string, string> Descriptions = new(StringComparer.Ordinal)
    {
        ["offset"] = "Number of rows to skip.",
        ["limit"] = "Maximum number of rows in the response.",
        ["sorts"] = "Sort order: fields with a direction, in order of priority.",
        ["names"] = "Only rows with one of these names.",
        ["workspaceIds"] = "Only rows of these Workspaces.",
        ["deploymentIds"] = "Only Deployments with these IDs.",
        ["workspaceId"] = "Only rows of this Workspace.",
        ["deploymentId"] = "Only rows of this Deployment.",
        ["kind"] = "Only tokens of this kind.",
        ["provider"] = "Only rows of this cloud provider.",
        ["cloudProvider"] = "Cloud provider of the Deployment. The response is the same for all providers.",
        ["deploymentType"] = "Type of the Deployment. The response is the same for all types.",
        ["executor"] = "Executor of the Deployment. The response is the same for all executors.",
        ["isDagBundle"] = "true: only bundles with DAGs. false: only other bundles.",
        ["type"] = "Only rows of this type.",
        ["includeDefaultRoles"] = "Whether the response includes the built-in roles.",
        ["scopeType"] = "Only permissions of this scope type.",
        ["scopeTypes"] = "Only roles of these scope types.",
        ["version"] = "Version of a bundle, from the response of its upload.",
        ["includeOnlyOrganizationTokens"] = "Only tokens whose scope is the Organization.",
    };

    /// <param name="path">The path of the route.</param>
    /// <param name="handler">The handler method.</param>
    /// <param name="metadata">The metadata of the route, such as its sort orders.</param>
    public static IEnumerable<IOpenApiParameter> Of(string path, MethodInfo handler, IList<object> metadata)
    {
        var inPath = RouteParameter().Matches(path).Select(match => match.Groups["name"].Value).ToList();
        foreach (var name in inPath)
            yield return new OpenApiParameter
            {
                Name = name,
                In = ParameterLocation.Path,
                Required = true,
                Description = name.EndsWith("Id", StringComparison.Ordinal)
                    ? $"ID of the {name[..^"Id".Length]}." : Descriptions.GetValueOrDefault(name),
                Schema = new OpenApiSchema { Type = JsonSchemaType.String },
            };
        foreach (var parameter in handler.GetParameters())
        {
            if (parameter.ParameterType == typeof(Paging))
            {
                yield return Page("offset", 0, max: null);
                yield return Page("limit", Paging.DefaultLimit, Paging.MaxLimit);
            }
            else if (parameter.IsDefined(typeof(AsParametersAttribute)))
            {
                foreach (var property in parameter.ParameterType.GetProperties())
                {
                    if (Query(property.Name, property.PropertyType, property, metadata) is { } inner)
                        yield return inner;
                }
            }
            else if (!inPath.Contains(parameter.Name!) && Query(parameter.Name!, parameter.ParameterType, parameter, metadata) is { } outer)
            {
                yield return outer;
            }
        }
    }

    private static OpenApiParameter Page(string name, int whenAbsent, int? max) => new()
    {
        Name = name,
        In = ParameterLocation.Query,
        Description = Descriptions[name],
        Schema = new OpenApiSchema
        {
            Type = JsonSchemaType.Integer,
            Default = JsonValue.Create(whenAbsent),
            Minimum = "0",
            Maximum = max?.ToString(CultureInfo.InvariantCulture),
        },
    };

    private static OpenApiParameter? Query(string name, Type type, ICustomAttributeProvider attributes, IList<object> metadata)
    {
        if (Schema(type) is not { } schema)
            return null;
        var all = attributes.GetCustomAttributes(inherit: true);
        name = all.OfType<IFromQueryMetadata>().FirstOrDefault()?.Name ?? char.ToLowerInvariant(name[0]) + name[1..];
        if (name == "sorts" && metadata.OfType<SortOrders>().FirstOrDefault() is { } orders && schema.Items is OpenApiSchema items)
            items.Enum = [.. orders.Values.Select(order => JsonValue.Create(order)!)];
        // The handler parses some parameters itself, so they are texts for the framework. Attributes declare their type.
        if (schema.Type == JsonSchemaType.String && all.OfType<RangeAttribute>().Any())
            schema.Type = JsonSchemaType.Integer;
        if (all.OfType<DataTypeAttribute>().Any(data => data.DataType == DataType.DateTime))
            schema.Format = "date-time";
        if (schema.Type == JsonSchemaType.Integer && all.OfType<DefaultValueAttribute>().FirstOrDefault()?.Value is string whenAbsent)
            schema.Default = JsonNode.Parse(whenAbsent);
        DescribeSchema.Constrain(schema, all);
        return new OpenApiParameter
        {
            Name = name,
            In = ParameterLocation.Query,
            Description = all.OfType<DescriptionAttribute>().FirstOrDefault()?.Description
                ?? Descriptions.GetValueOrDefault(name),
            Schema = schema,
        };
    }

    /// <summary>The schema of a query parameter; null for services, bodies and other arguments of a handler.</summary>
    private static OpenApiSchema? Schema(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string))
            return new OpenApiSchema { Type = JsonSchemaType.String };
        if (type == typeof(bool))
            return new OpenApiSchema { Type = JsonSchemaType.Boolean };
        if (type == typeof(int) || type == typeof(long))
            return new OpenApiSchema { Type = JsonSchemaType.Integer };
        if (type == typeof(DateTimeOffset))
            return new OpenApiSchema { Type = JsonSchemaType.String, Format = "date-time" };
        return type.IsArray && Schema(type.GetElementType()!) is { } items
            ? new OpenApiSchema { Type = JsonSchemaType.Array, Items = items }
            : null;
    }

    [GeneratedRegex(@"\{(?<name>[^}:?]+)[^}]*\}", RegexOptions.NonBacktracking)]
    private static partial Regex RouteParameter();
}
