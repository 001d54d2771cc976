// Grafana's types, made fit for literals: JSON has no enums, so each stands for its values, and a panel's options and
// field settings are those of its kind.

import * as schema from "@grafana/schema";
import * as heatmap from "@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen";
import * as stat from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import * as timeline from "@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen";
import * as table from "@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen";
import * as timeseries from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

export type { Dashboard, RowPanel } from "@grafana/schema";

export type Plain<T> = T extends string
  ? `${T}`
  : T extends number
    ? `${T}` extends `${infer N extends number}` ? N : never
    : T extends (infer E)[]
      ? Plain<E>[]
      : T extends object
        ? { [K in keyof T]: Plain<T[K]> }
        : T;

interface Options {
  heatmap: heatmap.Options;
  stat: stat.Options;
  "state-timeline": timeline.Options;
  table: table.Options;
  timeseries: timeseries.Options;
}

interface Custom {
  heatmap: heatmap.FieldConfig;
  stat: Record<string, never>;
  "state-timeline": timeline.FieldConfig;
  table: Partial<table.FieldConfig>;
  timeseries: timeseries.FieldConfig;
}

interface Query {
  datasource: schema.DataSourceRef;
  editorMode: "code";
  expr: string;
  format?: "heatmap" | "table";
  instant?: boolean;
  legendFormat: string;
  range: boolean;
  refId: string;
}

export type OfType<K extends keyof Options> = Omit<schema.Panel, "type" | "options" | "fieldConfig" | "targets"> & {
  type: K;
  options: Options[K];
  targets: Query[];
  fieldConfig: Omit<schema.FieldConfigSource, "defaults"> & {
    defaults: Omit<schema.FieldConfig, "custom"> & { custom?: Custom[K] };
  };
};
