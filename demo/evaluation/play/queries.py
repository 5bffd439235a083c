"""The texts of the GraphQL queries and mutations that only the evaluation sends."""

ASSETS = """query Assets($keys: [AssetKeyInput!]) { assetNodes(assetKeys: $keys) { assetKey { path }
  dependencyKeys { path } dependedByKeys { path } staleStatus staleCauses { key { path } category } } }"""
JOB = """query Job($selector: PipelineSelector!) { pipelineOrError(params: $selector) { ... on Pipeline { solids { name
  inputs { dependsOn { solid { name } } } } } } }"""
CHECKS = """{ assetNodes { assetKey { path } assetChecksOrError { ... on AssetChecks { checks { name
  executionForLatestMaterialization { status evaluation {
    metadataEntries { label ... on FloatMetadataEntry { floatValue } } } } } } } } }"""
LAST_STORY = """query Story($job: String!) { runsOrError(filter: {pipelineName: $job}, limit: 1) { ... on Runs { results {
  runConfigYaml eventConnection { events { ... on MessageEvent { message } } } } } } }"""
ROWS = """query Rows($runId: ID!) { logsForRun(runId: $runId) { ... on EventConnection { events {
    ... on ExecutionStepOutputEvent { stepKey
      metadataEntries { label ... on IntMetadataEntry { intValue } } }
    ... on MaterializationEvent { stepKey metadataEntries { label ... on IntMetadataEntry { intValue } } } } } } }"""
BACKFILL = """mutation Backfill($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) { __typename
  ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
STEPS_AGAIN = """mutation Steps($params: ExecutionParams!) { launchPipelineReexecution(executionParams: $params) { __typename
  ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  ... on RunConfigValidationInvalid { errors { message } } } }"""
VERSION = "{ version }"
BACKFILL_TIME = """query Time($id: String!) { partitionBackfillOrError(backfillId: $id) {
  ... on PartitionBackfill { timestamp } } }"""
