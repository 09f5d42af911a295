"""The dashboards: what people see of an evaluation, through one gate, in Chinese and English."""
